"""When things happen, and what is remembered: store, agenda, jobs, daemon."""
