"""automations.yaml on a server: what it does by itself when a run is gone, fails, or training raises an alarm."""

from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.events.schemas.automations import AutomationCore

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
        automation = AutomationCore.model_validate(
            {**values, "actions": [_sent_by(a, alerts) for a in values["actions"]]}
        )
        if there := client.read_automations_by_name(automation.name):
            client.update_automation(there[0].id, automation)
        else:
            client.create_automation(automation)
        made.append(automation.name)
    return made


def alert_at(url: str, client: SyncPrefectClient) -> UUID:
    """The id of the webhook block `cim-alerts`, made or set to post to `url`."""
    saved: Any = Webhook(url=url).save("cim-alerts", overwrite=True)
    return UUID(str(saved))


def _sent_by(action: dict[str, Any], block: UUID | None) -> dict[str, Any]:
    return {**action, "block_document_id": str(block)} if action.get("block_document_id") == BLOCK else action
