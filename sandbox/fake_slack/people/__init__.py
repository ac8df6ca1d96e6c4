"""What people do in the workspace. What Slack's client would not let them do is Refused.

- `writing`: commands, messages, Home
- `clicking`: clicks and dialogs
- `admin`: who is there, and which channels
- `fault_orders`: what is to go wrong
"""
