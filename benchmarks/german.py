"""English captions word by word into German: function words and scenes wholly, other words as far as listed."""

import re

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
    """The caption in bad German."""
    return re.sub(r"[A-Za-z]+", lambda found: _GERMAN.get(found[0].lower(), found[0]), caption)
