"""What Slack brings to the app: commands, interactions and events, and the app's receipts.

- `payloads`: what is sent, key by key
- `delivery`: sends it, events again and again
- `sockets`: by Socket Mode
- `webhooks`: by signed requests
"""
