"""The wiring of the house and the service with one method per thing a person can do."""
