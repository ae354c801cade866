"""Everything that is known of one user, as a document that the user may be given."""
