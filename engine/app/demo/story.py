"""The story the demo tells, in seven scenes."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from engine.app.demo.stage import Stage, set_stage, without_body
from engine.errors import InvalidSpecError
from engine.model.plan import Request

_EXAMPLE = Path(__file__).parents[3] / "deploy" / "examples" / "shop"
_NETWORK = "Microsoft.Network/virtualNetworks/shop-vnet"
_STORAGE = "Microsoft.Storage/storageAccounts/shopstoredemo01"
_VAULT = "Microsoft.KeyVault/vaults/shop-vault-demo01"
_DATABASE = "Microsoft.DBforPostgreSQL/flexibleServers/shop-postgres-demo01/databases/orders"
_COLLEAGUE = (("x-ms-emulator-actor", "colleague@contoso.example"),)


async def play(folder: Path, manifests: Path | None, out: TextIO) -> int:
    """Play all scenes; stop at the first that does not go as told.

    Returns:
        0, or 1 when a scene ended in another way than the story says.
    """
    example = manifests or _EXAMPLE
    if not example.is_dir():
        raise InvalidSpecError(
            f"the example {example} is not here", hint="run the demo in a checkout, or name one with -f"
        )
    out.write("Starting Azure on this machine (an emulator; nothing leaves it) ...\n")
    out.flush()
    stage = await set_stage(folder, out)
    try:
        return await _play_scenes(stage, _shown(example))
    finally:
        await stage.close()


def _shown(example: Path) -> str:
    """Return the example's path as short as it can be typed."""
    return str(example.relative_to(Path.cwd())) if example.is_relative_to(Path.cwd()) else str(example)


async def _play_scenes(stage: Stage, example: str) -> int:
    own = example.endswith(str(Path("deploy/examples/shop")))
    scenes = [
        ("1. What would happen? plan shows it and sends nothing.", ["plan", "-f", example], 0),
        ("2. Make it so: one request per resource, owners first.", ["apply", "-f", example, "--yes", "--brief"], 0),
        ("3. Again: nothing to do, and nothing is sent.", ["plan", "-f", example, "--detailed-exitcode"], 0),
    ]
    after = [
        ("5. What moved, and who moved it? (exit code 2 says: something did)", ["drift", "-f", example], 2),
        ("6. Put it right, with the smallest requests that do it.", ["apply", "-f", example, "--yes"], 0),
        ("7. And clean again.", ["plan", "-f", example, "--detailed-exitcode"], 0),
    ]
    if not await _play(stage, scenes):
        return 1
    if own:
        await _edit_behind_its_back(stage)
        if not await _play(stage, after):
            return 1
    stage.say("\nThat was all of it: plan, apply, drift, repair. Now with your manifests: trueup plan -f FOLDER")
    return 0


async def _play(stage: Stage, scenes: list[tuple[str, list[str], int]]) -> bool:
    for title, command, expected in scenes:
        stage.say(f"\n== {title}\n")
        code = await stage.type_command(command)
        if code != expected:
            stage.say(f"\nThe story ends here: exit code {code}, expected {expected}.")
            return False
        await stage.show_traffic()
    return True


async def _edit_behind_its_back(stage: Stage) -> None:
    """Play the colleague with the portal open."""
    endpoint = stage.environment["AZURE_RESOURCE_MANAGER_ENDPOINT"]
    group = f"{endpoint}/subscriptions/{stage.environment['AZURE_SUBSCRIPTION_ID']}/resourceGroups/shop-rg/providers"
    stage.say("\n== 4. Meanwhile, a colleague works in the portal:\n")
    stage.say("   - lets anybody read blobs of the storage account, and adds an address to its firewall")
    stage.say("   - lets virtual machines read secrets of the key vault, a type of which Azure says who wrote it last")
    stage.say("   - relabels the network: app=shop becomes app=warehouse")
    stage.say("   - deletes the database 'orders'")
    firewall = {
        "bypass": "AzureServices",
        "defaultAction": "Deny",
        "ipRules": [{"value": "203.0.113.10", "action": "Allow"}, {"value": "198.51.100.7", "action": "Allow"}],
    }
    tags = {"operation": "Merge", "properties": {"tags": {"app": "warehouse"}}}
    await stage.edit(
        [
            Request(
                method="PATCH",
                url=f"{group}/{_STORAGE}?api-version=2023-01-01",
                body={"properties": {"allowBlobPublicAccess": True, "networkAcls": firewall}},
                headers=_COLLEAGUE,
            ),
            Request(
                method="PATCH",
                url=f"{group}/{_VAULT}?api-version=2023-07-01",
                body={"properties": {"enabledForDeployment": True}},
                headers=_COLLEAGUE,
            ),
            Request(
                method="PATCH",
                url=f"{group}/{_NETWORK}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01",
                body=tags,
                headers=_COLLEAGUE,
            ),
            without_body("DELETE", f"{group}/{_DATABASE}?api-version=2022-12-01"),
        ]
    )
    await stage.forget_traffic()
