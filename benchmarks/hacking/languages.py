"""Captions in other languages: sentences that people might write of photos, and English captions in bad German."""

import re

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
"""By language, each of five words or more: languages that share words with English, and others."""

_PAIRS = """
a ein; an ein; the der; and und; of von; in im; on auf; at bei; to zu; with mit; by von; from aus; for für; is ist
are sind; his seine; her ihre; its sein; their ihre; that das; this dieses; who der; which welcher; while während
as als; or oder; he er; she sie; it es; they sie; being werdend; has hat; have haben; other andere
another ein anderer; one ein; two zwei; three drei; four vier; five fünf; some einige; several mehrere; many viele
no kein; all alle; small klein; little klein; large groß; big groß; plain schlicht; solid einfarbig; striped gestreift
dotted gepunktet; spotted gefleckt; red rot; orange orangefarben; yellow gelb; green grün; blue blau; purple violett
white weiß; gray grau; pink rosa; brown braun; black schwarz; circle Kreis; disc Scheibe; square Quadrat; box Kasten
triangle Dreieck; star Stern; diamond Raute; cross Kreuz; circles Kreise; discs Scheiben; squares Quadrate
boxes Kästen; triangles Dreiecke; stars Sterne; diamonds Rauten; crosses Kreuze; left links; right rechts
above oberhalb; over über; below unterhalb; under unter; inside innerhalb; within innerhalb; against vor
background Hintergrund; man Mann; woman Frau; boy Junge; girl Mädchen; dog Hund; dogs Hunde; people Leute; men Männer
women Frauen; child Kind; children Kinder; water Wasser; snow Schnee; grass Gras; street Straße; shirt Hemd
jacket Jacke; running läuft; jumping springt; playing spielt; standing steht; sitting sitzt; walking geht
wearing trägt; wears trägt; holding hält; through durch; into hinein; near nahe; front Vorderseite; behind hinter
down hinunter; up hinauf; out heraus; young jung; person Person; beach Strand; field Feld; ball Ball; bike Fahrrad
mountain Berg; looking schaut; around herum; group Gruppe
"""
_GERMAN = dict(pair.split(maxsplit=1) for line in _PAIRS.strip().splitlines() for pair in line.split("; "))


def german(caption: str) -> str:
    """The caption word by word: function words and scenes wholly, other words as far as listed."""
    return re.sub(r"[A-Za-z]+", lambda found: _GERMAN.get(found[0].lower(), found[0]), caption)
