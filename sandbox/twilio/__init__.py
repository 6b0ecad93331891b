"""Twilio's side: texts in and out."""
