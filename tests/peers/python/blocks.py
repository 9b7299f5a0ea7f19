"""Reads a JSON list of Slack messages and prints a JSON list of what Slack would refuse, by slack_sdk's own models."""

import json
import logging
import sys

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

# From the reference of chat.postMessage and of Block Kit; the models know only single blocks.
MAX_BLOCKS = 50
MAX_TEXT = 40_000
# Nowhere in the reference: `msg_blocks_too_long` from some 12,000 characters on (slackapi/bolt-js #2509, #2867).
MAX_ALL = 12_000

faults = []


class Warnings(logging.Handler):
    """Unknown fields and types are only logged by the models."""

    def emit(self, record):
        faults.append(record.getMessage())


logging.getLogger("slack_sdk").addHandler(Warnings())
logging.getLogger("slack_sdk").propagate = False
logging.getLogger("slack_sdk").setLevel(logging.WARNING)


def texts(node):
    """Every text object inside a block."""
    if isinstance(node, dict):
        if node.get("type") in ("mrkdwn", "plain_text"):
            yield node
        for inside in node.values():
            yield from texts(inside)
    elif isinstance(node, list):
        for inside in node:
            yield from texts(inside)


def judge(block):
    parsed = Block.parse(block)
    if parsed is None:
        faults.append(f"no block is of the type {block.get('type')!r}")
        return
    parsed.validate_json()
    parsed.to_dict()
    for text in texts(block):
        if not text.get("text"):
            faults.append(f"empty text in a block of the type {block.get('type')!r}")
        elif len(text["text"]) > 3000:
            faults.append(f"{len(text['text'])} characters in one text object")
        # Else Slack makes links, mentions and emoji of what others wrote.
        if text.get("type") == "mrkdwn" and text.get("verbatim") is not True:
            faults.append(f"text that is not verbatim in a block of the type {block.get('type')!r}")


for message in json.load(sys.stdin):
    kits = [message.get("blocks") or []] + [a.get("blocks") or [] for a in message.get("attachments") or []]
    if not message.get("text"):
        faults.append("no text: notifications would be empty")
    if len(message.get("text") or "") > MAX_TEXT:
        faults.append("more text than a message may have")
    for kit in kits:
        if len(kit) > MAX_BLOCKS:
            faults.append(f"{len(kit)} blocks")
        length = sum(len(text.get("text") or "") for text in texts(kit))
        if length > MAX_ALL:
            faults.append(f"{length} characters in all blocks")
        for block in kit:
            try:
                judge(block)
            except SlackObjectFormationError as error:
                faults.append(f"{block.get('type')}: {error}")
json.dump(faults, sys.stdout)
