"""SendGrid's side: mail out, events and replies back."""
