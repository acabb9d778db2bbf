"""automations.yaml on a server: what it does by itself when a run is gone, fails, or training raises an alarm."""

from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.events.schemas.automations import AutomationCore

from cim.fingerprint import fingerprint
from cim.params.yaml import read_yaml

FILE = Path("automations.yaml")
BLOCK = "webhook/cim-alerts"
"""Stands in automations.yaml for the id of the block, which each server gives anew."""


def make_automations(client: SyncPrefectClient, alerts: UUID | None) -> list[str]:
    """Create those of automations.yaml, or update those of the same name; their names.

    alerts: id of the block that messages are sent by; without one, automations that need it are left out.
    """
    made = []
    for values in read_yaml(FILE)["automations"]:
        if alerts is None and any(action.get("block_document_id") == BLOCK for action in values["actions"]):
            continue
        actions = [_sent_by(action, alerts) for action in values["actions"]]
        wanted = {**values, "actions": actions}
        wanted["description"] = f"automations.yaml, {fingerprint('automation', wanted)}"
        automation, there = AutomationCore.model_validate(wanted), client.read_automations_by_name(values["name"])
        if not there:
            client.create_automation(automation)
        elif there[0].description != automation.description:
            # Not for nothing: what a server waits for, such as a heartbeat of a run that is gone, it would forget.
            client.update_automation(there[0].id, automation)
        made.append(automation.name)
    return made


def alert_at(url: str) -> UUID:
    """The id of the webhook block `cim-alerts`, made or set to post to `url`."""
    saved: Any = Webhook(url=url).save("cim-alerts", overwrite=True)
    return UUID(str(saved))


def _sent_by(action: dict[str, Any], block: UUID | None) -> dict[str, Any]:
    return {**action, "block_document_id": str(block)} if action.get("block_document_id") == BLOCK else action
