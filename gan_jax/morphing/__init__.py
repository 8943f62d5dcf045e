"""From early works to late ones: pairs, frames, films."""
