"""From early paintings to late ones: pairs, frames, films."""
