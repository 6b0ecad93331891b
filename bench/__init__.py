"""What performance.md promises, measured: `make bench`, or `make bench NAME=sms`. Nothing else imports this package."""
