"""What `--dry_run` says: what there is to do, and how long it would take here."""
