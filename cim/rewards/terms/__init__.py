"""What a caption may earn beside GRC and QIR: one file a term, one line each in `build.MAKERS`.

    total = alpha * GRC + beta * QIR + sum of weight * guard + sum of weight * term

- A term is on where `tune.reward.terms` names it; its module is imported then and not before.
- It is asked once a batch, of the captions that CIM could score, and gives each a number or None: it failed (a server
  that did not answer) or has nothing to say (an image without questions). None is counted, and is never a number.
- A caption lacks a term that another caption of its image has: its total can't be compared with theirs. It is None, so
  that nothing is learned from it, unless a guard found a fault: failing must not hide a fault. Where no caption of an
  image has a term, the others decide.
- Terms normalized apart (`normalize_then_sum`) are reward functions of their own, as GRC, QIR and guards are.
"""
