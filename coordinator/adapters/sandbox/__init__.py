"""Runs commands that may be hostile: confined, limited, and with what they changed handed back."""
