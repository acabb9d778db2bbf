"""Drawn scenes described in Portuguese, by templates: enough of a language to go through the pipeline."""

import csv
from dataclasses import replace
from pathlib import Path

from cim.scenes.draw import draw
from cim.scenes.scene import Scene, Thing, scene_at

SHAPES = {
    "circle": ("círculo", "círculos", "o"), "square": ("quadrado", "quadrados", "o"),
    "triangle": ("triângulo", "triângulos", "o"), "star": ("estrela", "estrelas", "a"),
    "diamond": ("losango", "losangos", "o"), "cross": ("cruz", "cruzes", "a"),
}  # fmt: skip
COLORS = {
    "red": "vermelh_", "orange": "laranja", "yellow": "amarel_", "green": "verde", "blue": "azul", "purple": "rox_",
}  # fmt: skip
MANY = {"laranja": "laranja", "verde": "verdes", "azul": "azuis"}
SIZES = {"small": "pequen_", "large": "grande"}
TEXTURES = {"plain": "lis_", "striped": "listrad_", "dotted": "pontilhad_"}
BACKGROUNDS = {"white": "branco", "gray": "cinza", "pink": "rosa", "brown": "marrom"}
RELATIONS = {
    "left of": "à esquerda de", "right of": "à direita de", "above": "acima de", "below": "abaixo de",
    "inside": "dentro de",
}  # fmt: skip


def phrase(thing: Thing) -> str:
    """ "um círculo vermelho grande liso", "duas estrelas azuis pequenas listradas"."""
    one, many, gender = SHAPES[thing.shape]
    words = [COLORS[thing.color], SIZES[thing.size], TEXTURES[thing.texture]]
    words = [word.replace("_", gender) for word in words]
    if thing.count == 1:
        return " ".join(["uma" if gender == "a" else "um", one, *words])
    number = {2: "duas" if gender == "a" else "dois", 3: "três"}[thing.count]
    return " ".join([number, many, *(MANY.get(word, word + "s") for word in words)])


def describe(scene: Scene) -> str:
    """Everything, in a sentence."""
    said = phrase(scene.things[0])
    if scene.relation is not None:
        said += f" {RELATIONS[scene.relation]} {phrase(scene.things[1])}"
    return f"{said[0].upper()}{said[1:]} sobre um fundo {BACKGROUNDS[scene.background]}."


def vague(scene: Scene) -> str:
    """Only what is there, as people say it; of one thing its colour as well."""
    if len(scene.things) == 1:
        one = scene.things[0]
        return "Há " + " ".join(phrase(replace(one, count=1)).split()[:3]) + "."
    shapes = [("uma " if SHAPES[one.shape][2] == "a" else "um ") + SHAPES[one.shape][0] for one in scene.things]
    return "Há " + " e ".join(shapes) + "."


def write_folder(folder: Path, count: int) -> list[Scene]:
    """`count` pictures with a captions.csv, two captions each; the scenes."""
    scenes = [scene_at(5, number) for number in range(count)]
    folder.mkdir()
    with (folder / "captions.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file_name", "caption"])
        for number, scene in enumerate(scenes):
            (folder / f"{number}.png").write_bytes(draw(scene, 64))
            rows.writerows([(f"{number}.png", describe(scene)), (f"{number}.png", vague(scene))])
    return scenes


WORDS = """\
# the shapes as objects, every form written out
circle: círculo, círculos
square: quadrado, quadrados
triangle: triângulo, triângulos
star: estrela, estrelas
diamond: losango, losangos
cross: cruz, cruzes
-: estrela do mar
"""
