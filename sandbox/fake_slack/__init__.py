"""Slack, as far as an app can tell: one workspace with one app in it, on this machine.

- `shapes`: words shared by all of it
- `world/`: what there is
- `delivery/`: what Slack brings to the app
- `api/`: what the app asks of Slack
- `people/`: what people do
- `sandbox`: all of that as one object
- `control`, `page_api`: what scripts, and what the browser page, see and do of it over HTTP
- `app`: its ports; `starting`, `__main__`: a start from the command line, around any app
"""
