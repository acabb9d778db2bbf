"""A hundred everyday captions, written for these tests: 25 pictures that do not exist, each described by four people.

They share words, synonyms and near things, and hold what tokenizers differ in: marks, quotes, numbers, contractions.
"""

_CAPTIONS = """
A brown dog sleeps on a grey couch next to a red cushion.
The dog is lying on the sofa, its head on a cushion.
A sleepy brown puppy, curled up on a couch.
There's a dog on the sofa; it isn't awake!

Two children in yellow raincoats jump into a puddle.
Kids wearing yellow coats are jumping in the rain.
Two kids splash through water on a wet street.
A boy and a girl play in a large puddle in front of a house.

A man in a blue shirt rides a bicycle past a parked car.
A cyclist passes a white car on a narrow road.
A man rides his bike down the street.
Someone on a bicycle is riding by an automobile.

A plate with 2 fried eggs, three slices of bacon and some toast.
Breakfast: eggs, bacon, and toast on a white plate.
A white dish holds two eggs and bacon next to a fork.
Eggs and bacon on a plate, with a cup of coffee behind it.

A woman is cutting a birthday cake with a long knife.
A lady cuts the cake while her friends watch.
The birthday cake has pink candles, and a woman holds a knife.
A woman at a table with a cake that says "Happy Birthday".

An old man sits on a wooden bench and reads a newspaper.
An elderly man is reading the paper on a park bench.
A gentleman with a hat reads on a bench under a tree.
The man on the bench isn't looking at the camera.

A black-and-white cat looks out of a window.
A cat sits on the window sill behind a white curtain.
A cat, black and white, watches birds through the window.
There is a cat at the window, but no bird.

Three surfers carry their boards across a sandy beach.
Three people with surfboards walk on the beach at sunset.
Surfers walk toward the ocean carrying surfboards.
People on the sand, the sea behind them.

A red double-decker bus stops at a traffic light.
The bus is red and has two floors.
A red bus waits at the lights in a busy street in the city.
A double decker bus, number 24, in the middle of London's traffic.

A chef in a white hat stirs a pot of soup on a stove.
A cook stands in a kitchen and stirs something in a pot.
The cook's soup is boiling on the stove.
A man cooking in a restaurant's kitchen with steel pots.

A girl flies a kite on a green hill under a blue sky.
A little girl is flying a colorful kite.
The kite is high in the sky above a grassy hill.
A child with a kite; white clouds over the hill.

A train with 12 cars crosses an old stone bridge.
A long train is on a bridge over a river.
The train crosses the river on a bridge made of stone.
A locomotive pulls its cars across the water.

A tennis player in white swings her racket at the ball.
A woman plays tennis on a clay court.
A player hits the ball with a tennis racket.
The tennis player's eyes are on the ball.

Several bicycles are locked to a metal fence.
Bikes lean against the fence beside a brick wall.
A row of bicycles near a brick building.
There are at least 5 bikes at the fence, one of them without a wheel.

A horse and its foal graze in a field full of flowers.
Two horses eat grass in a meadow.
A brown mare stands near her foal in the grass.
A large horse with a small horse beside it.

A waiter carries four glasses of wine on a tray.
The waiter holds a tray of wineglasses above his head.
A man in a black vest is carrying drinks.
Four wine glasses on a round tray in a waiter's hand.

A snowman with a carrot nose stands in front of a cottage.
A snowman wears a hat and a striped scarf.
Someone has built a snowman by the house.
The snowman's nose is a carrot, its eyes are of coal.

A street musician plays the violin for a small crowd.
A violinist performs outside a shop, people listen.
A woman plays her fiddle on the pavement.
People stand around a musician who is playing the violin.

A desk with a laptop, a lamp and a stack of books.
A notebook computer is on a wooden table under a lamp.
The laptop is open, and its screen is blue.
Books and a coffee cup near a computer, on a messy desk.

A small boat with a white sail on a calm lake.
A sailboat is floating on the lake, mountains in the background.
White sailing boat, blue water, snowy mountains.
A boat on a lake that is surrounded by mountains.

A fisherman in green boots pulls a net out of the water.
A man is pulling a fishing net into his boat.
The fisherman's net is full of small silver fish.
A man wearing boots stands in the shallow water.

A baby in a high chair eats spaghetti with both hands.
The baby has tomato sauce all over its face.
An infant is eating pasta and doesn't use a spoon.
A messy baby sits in a chair; its bib is orange.

A carpet with a gold pattern covers the floor of the hall.
An old rug lies on the floor of a big hall.
The golden carpet leads to a door at the end of the hallway.
A long hall with a red rug, two lamps and a painting.

Firefighters spray water on a burning barn.
Two firemen with a hose are in front of the fire.
A barn is on fire; smoke rises into the dark sky.
The firemen fight the flames; a fire truck is behind them.

A market stall with apples, oranges, pears... and a tired seller.
Fruit for sale: apples at 3.50, 1,000 oranges for less than 100!
A woman sells fruit at an outdoor market.
The seller can't see who's taking an apple from her stand.
"""


def everyday() -> list[list[str]]:
    """By picture, its four captions."""
    return [block.split("\n") for block in _CAPTIONS.strip().split("\n\n")]
