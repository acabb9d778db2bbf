"""Captions to graphs by rules over spaCy's dependency trees. Works offline, with no weights but spaCy's own."""

from collections.abc import Sequence
from typing import Any

from cim.graphs.clauses import inner_places, noun_relations, subjects, verb_relations
from cim.graphs.english import read
from cim.graphs.graph import GraphBuilder, TextGraph
from cim.graphs.negation import denied
from cim.graphs.nouns import attributes, count, heads, predicates
from cim.graphs.wordnet import load_wordnet


class SpacyParser:
    """Meets GraphParser. Pronouns are not resolved: what is said of "it" is left out. What is denied is no fact."""

    def parse(self, captions: Sequence[str]) -> list[TextGraph]:
        """One graph a caption; facts of all its sentences together."""
        return [_graph(document) for document in read(captions)]


def _graph(document: Any) -> TextGraph:
    builder = GraphBuilder()
    for sentence in document.sents:
        _add(sentence, builder)
    return builder.graph()


def _add(sentence: Any, builder: GraphBuilder) -> None:
    wordnet, absent = load_wordnet(), denied(sentence)
    nothing = inner_places(sentence) | absent
    names = {i: name for i, name in heads(sentence, wordnet).items() if i not in nothing}
    for token in sentence:
        name = names.get(token.i)
        if name is not None:
            builder.add_object(name)
            for attribute in attributes(token, name, absent):
                builder.add_attribute(name, attribute)
            number = count(token)
            if number is not None:
                builder.add_count(name, number)
            related = list(noun_relations(token))
        elif token.pos_ in ("VERB", "AUX"):
            about = subjects(token)
            for subject in about:
                if subject.i in names:
                    for attribute in predicates(token, absent):
                        builder.add_attribute(names[subject.i], attribute)
            related = [] if token.i in absent else list(verb_relations(token, about, wordnet))
        else:
            related = []
        for subject, relation, other in related:
            if subject.i in names and other.i in names:
                builder.add_relation(names[subject.i], relation, names[other.i])
