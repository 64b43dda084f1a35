"""What happens to database servers, and what comes of it."""
