"""What the app asks of Slack: the Web API, response addresses, the addresses of files.

- `front_door`: every call's way in, which reads it by `arguments`
- `methods`: the table: who may call each, how often, with what
- `context`: what a method works with
- `content`: what a message may hold
- `chat`: `chat.*` and `reactions.*`
- `conversations`: `conversations.*`
- `users`: `users.*`, `team.*`, `bots.*`, `auth.*`
- `views`: `views.*` and `blocks.validate`
- `uploads`: `files.*`
- `downloads`: takes files in and hands them out
- `response_urls`: answers to commands and clicks
"""
