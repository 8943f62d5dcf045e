"""A page on this machine on which what a study has learnt is explored by hand."""
