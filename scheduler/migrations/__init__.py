"""How the database came to be, step by step; run by `scheduler.database.open_database`, never by hand."""
