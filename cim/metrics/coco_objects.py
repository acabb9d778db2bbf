"""COCO's 80 objects and the everyday words for them, as they stand in captions."""

import re
from collections.abc import Iterator
from functools import cache

# One object a line: COCO's name, then what else people call it. Our own choice of words, not the CHAIR paper's list:
# numbers are comparable with each other, not to the digit with published ones (docs/metrics.md).
_OBJECTS = """
person, man, woman, boy, girl, child, kid, baby, toddler, infant, adult, guy, lady, gentleman, teenager, teen, player, \
skier, snowboarder, skateboarder, surfer, rider, cyclist, biker, swimmer, climber, hiker, runner, jogger, dancer, \
worker, chef, cook, waiter, waitress, policeman, officer, soldier, fireman, fisherman, cowboy, bride, groom, couple, \
crowd, family, mother, father, mom, dad, son, daughter, brother, sister, grandmother, grandfather, student, teacher, \
musician, guitarist, singer, performer, athlete, spectator, pedestrian, passenger, driver, batter, pitcher, catcher, \
umpire, referee, goalie, human, someone, somebody, everyone, friend, youth, youngster, male, female, individual
bicycle, bike, tricycle
car, automobile, sedan, suv, taxi, cab, minivan, convertible, hatchback, jeep
motorcycle, motorbike, motor bike, motor cycle, scooter, moped, dirt bike, motor scooter
airplane, plane, aeroplane, jet, aircraft, airliner, air plane, biplane
bus, minibus, school bus, double decker
train, locomotive, tram, subway train, streetcar
truck, lorry, pickup, pickup truck, fire truck, firetruck, fire engine, semi truck
boat, ship, sailboat, canoe, kayak, rowboat, ferry, yacht, speedboat, motorboat, raft, gondola, dinghy, vessel
traffic light, stop light, stoplight, traffic signal, street signal
fire hydrant, hydrant
stop sign
parking meter
bench, park bench, pew
bird, pigeon, seagull, gull, duck, goose, swan, parrot, owl, eagle, hawk, sparrow, crow, flamingo, pelican, chicken, \
rooster, hen, ostrich, penguin, stork, heron, peacock, robin, finch
cat, kitten, kitty, tabby
dog, puppy, pup, terrier, poodle, labrador, retriever, golden retriever, husky, bulldog, greyhound, dachshund, collie, \
beagle, dalmatian, sheepdog, hound, canine, chihuahua, corgi, german shepherd
horse, pony, stallion, mare, foal, colt, racehorse
sheep, lamb, ewe, ram
cow, cattle, bull, calf, ox, steer, heifer, buffalo, bison
elephant
bear, polar bear, grizzly, panda
zebra
giraffe
backpack, knapsack, rucksack, back pack
umbrella, parasol
handbag, purse, hand bag, shoulder bag
tie, necktie, bow tie, bowtie
suitcase, luggage, suit case, briefcase
frisbee, flying disc
skis, ski
snowboard, snow board
sports ball, ball, baseball, football, basketball, soccer ball, tennis ball, volleyball, rugby ball, golf ball, \
beach ball
kite
baseball bat, bat
baseball glove, baseball mitt, catcher's mitt
skateboard, skate board, longboard
surfboard, surf board, boogie board, bodyboard, wakeboard
tennis racket, tennis racquet, racket, racquet
bottle
wine glass, wineglass, champagne glass
cup, mug, coffee cup, teacup
fork
knife
spoon
bowl
banana
apple
sandwich, burger, hamburger, cheeseburger
orange fruit, orange slice
broccoli
carrot
hot dog, hotdog
pizza
donut, doughnut
cake, cupcake, birthday cake, cheesecake
chair, armchair, stool, lawn chair, rocking chair, high chair, highchair
couch, sofa, loveseat, settee, futon
potted plant, houseplant, house plant
bed
dining table, table, desk, coffee table, picnic table
toilet, urinal, toilet seat
tv, television, television set, tv set
laptop, laptop computer, notebook computer
mouse, computer mouse
remote, remote control
keyboard, computer keyboard
cell phone, cellphone, mobile phone, phone, smartphone, telephone
microwave, microwave oven
oven, stove
toaster
sink, wash basin
refrigerator, fridge
book
clock
vase
scissors
teddy bear, teddy, stuffed bear
hair drier, hair dryer, hairdryer, blow dryer
toothbrush, tooth brush
"""
_NAMED = {"orange fruit": "orange"}  # COCO's name is a colour far more often; only "oranges" and these are the fruit
_NONE = (
    "train track, train station, bus stop, bus station, car seat, chair lift, table tennis, table cloth, dog house, "
    "baseball cap, baseball field, baseball game, baseball player, baseball team, baseball uniform, football field, "
    "football game, football player, football team, football uniform, basketball court, basketball game, "
    "basketball player, basketball hoop, basketball team, volleyball court, volleyball net, tennis court, "
    "ski lift, ski slope, ski pole, boat dock, horse race, bird house, dirt bike track, "
    "bed of, bowl cut, cook book, tie dye, tie dyed, book shelf, fire place, computer screen, phone booth, "
    "bird's eye, bull's eye, driver's seat, driver's license, men's room, women's room, mother's day, father's day"
)
_ANIMALS = ("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe")
_IRREGULAR = {"person": "people", "child": "children", "mouse": "mice", "knife": "knives", "calf": "calves",
              "goose": "geese", "sheep": "sheep", "aircraft": "aircraft", "luggage": "luggage", "cattle": "cattle",
              "ox": "oxen", "skis": "skis", "scissors": "scissors", "bus": "buses", "minibus": "minibuses"}  # fmt: skip
_TOKEN = re.compile(r"\w+(?:'\w+)*|[.,;:!?()]")


@cache
def coco_names() -> tuple[str, ...]:
    """The 80 names."""
    return tuple(name for name, _ in _lines())


@cache
def coco_words() -> dict[str, tuple[str, ...]]:
    """Singular and plural phrases to the COCO names they mention: one, or none for what only sounds like an object."""
    found: dict[str, tuple[str, ...]] = {"oranges": ("orange",)}
    for name, phrases in _lines():
        for phrase in phrases:
            found |= dict.fromkeys(_both(phrase), (name,))
    for animal in _ANIMALS:
        for age in ("baby", "adult"):
            found |= dict.fromkeys(_both(f"{age} {animal}"), (animal,))
    for vehicle, name in (("jet", "airplane"), ("plane", "airplane"), ("train", "train"), ("car", "car")):
        found |= dict.fromkeys(_both(f"passenger {vehicle}"), (name,))
    for phrase in _NONE.split(", "):
        person = ("person",) if phrase.endswith("player") else ()
        found |= dict.fromkeys(_both(phrase), person)
    return found


def tokens_of(caption: str) -> list[str]:
    """Lower-case words, split at hyphens, without a possessive 's; marks that end a phrase are tokens of their own."""
    found = _TOKEN.findall(caption.lower().replace("\u2019", "'"))
    return [token.removesuffix("'s") for token in found]


def _lines() -> Iterator[tuple[str, list[str]]]:
    for line in _OBJECTS.strip().splitlines():
        phrases = line.split(", ")
        yield _NAMED.get(phrases[0], phrases[0]), phrases


def _both(phrase: str) -> tuple[str, str]:
    """A phrase and its plural, in the words that captions are split into."""
    phrase = " ".join(tokens_of(phrase))
    head, _, last = phrase.rpartition(" ")
    if last in _IRREGULAR:
        many = _IRREGULAR[last]
    elif last.endswith("man"):
        many = last[:-3] + "men"
    elif last.endswith(("ch", "sh", "ss", "x", "s")):
        many = last + "es"
    elif last.endswith("y") and last[-2:-1] not in "aeo":
        many = last[:-1] + "ies"
    else:
        many = last + "s"
    return phrase, f"{head} {many}".strip()
