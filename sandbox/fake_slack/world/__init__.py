"""What there is: state, and who sees what. Who asks for it, and how, is not known here.

- `workspace`: people, conversations, messages
- `installation`: the app: tokens, scopes, events, commands
- `surfaces`: dialogs, Home pages, triggers, response addresses
- `elements`: interactive elements, their ids and state
- `files`: stored files
- `message_text`: what Slack makes of typed text
- `rates`: rate limits
- `faults`: what goes wrong on purpose
- `slack`: the stores of one workspace together
"""
