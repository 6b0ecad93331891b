"""Groupkeeper: reminders, reflections and check-ins for therapy groups.

Rules decide. Models remember. Channels speak. Flows do. Doors open.

    rules/       decisions: pure functions and small frozen values
    models/      tables, and named queries over them
    channels/    the port to a provider, an adapter each, and the fake
    flows/       what happens, a module for each: plan, deliver, settle, receive ...
    web/ cli.py  doors: pages and webhooks for people and providers, commands for operators

Imports go from the doors down to the rules, never up; import-linter holds it. The other doors live
beside this package: `jobs/` (the queue, the clock). `sandbox/` plays the providers and shares nothing.
"""
