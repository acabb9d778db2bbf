"""Sentences that people might write of photos, in languages that share words with English and in others."""

SENTENCES = {
    "German": (
        "Zwei Hunde spielen in einem Park.",
        "Ein Mann in einem roten Hemd geht mit einem Hund am Strand entlang.",
        "Die Frau steht neben ihrem Fahrrad und schaut in die Kamera.",
        "Ein kleiner Junge springt von einer Mauer in das Wasser.",
    ),
    "Dutch": (
        "Een man in een rood shirt loopt over het strand met een hond.",
        "Een hond is in de tuin of in het huis.",
        "De vrouw was op een fiets in de stad.",
        "Twee kinderen spelen in de sneeuw.",
    ),
    "Italian": (
        "Due cani giocano in un parco.",
        "Un uomo con una maglietta rossa cammina sulla spiaggia con un cane.",
        "La donna sorride a una bambina in piazza.",
        "I bambini giocano a calcio in giardino.",
    ),
    "French": (
        "Deux chiens jouent dans un parc.",
        "Un homme a un chien et un ballon.",
        "Une femme en robe rouge est assise sur un banc.",
        "Des enfants courent dans la neige avec leur chien.",
    ),
    "Spanish": (
        "Dos perros juegan en un parque.",
        "Un hombre con camisa roja camina por la playa con un perro.",
        "No hay nadie en la calle.",
        "La niña come una manzana a la sombra de un árbol.",
    ),
    "Danish": (
        "To hunde leger i en park.",
        "En mand i en rød trøje går på stranden med en hund.",
        "Der er en kvinde i et hus.",
        "En dreng er i gang med at spise en is.",
    ),
    "Portuguese": (
        "Dois cães brincam no parque.",
        "Uma mulher está a correr na praia com um cão.",
        "Um menino de camisa azul joga bola na rua.",
        "As crianças brincam na areia do parque.",
    ),
    "Swedish": (
        "Två hundar leker i en park.",
        "En man i röd jacka åker skidor i snön.",
        "Barnen är ute i skogen och leker.",
    ),
    "Polish": ("Dwa psy bawia sie w parku.", "Kobieta w czerwonej sukience siedzi na ławce."),
    "Finnish": ("Kaksi koiraa leikkii puistossa pallon kanssa.",),
    "Russian": ("Две собаки играют в парке.",),
    "Japanese": ("二匹 の 犬 が 公園 で 遊んで いる。",),
}
"""By language, each of five words or more."""
