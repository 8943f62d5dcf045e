"""The stages of a study, a file each: they read what those before them wrote, and write their part when it is complete."""
