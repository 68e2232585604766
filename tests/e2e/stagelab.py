"""What the scripts about `install = DIR` share: the start of a staged pair, and what stands there."""

import os

from lab import same


def content(lab, file="fullchain.pem", name="mail", place="current"):
    path = os.path.join(lab.folder(name), place, file)
    if not os.path.exists(path):
        return None
    with open(path, encoding="ascii") as source:
        return source.read()


def installed(lab, current, previous=None, name="mail"):
    """CURRENT and PREVIOUS are what stands there (None: nothing), and whole."""
    for place, pair in (("current", current), ("previous", previous)):
        same(content(lab, "fullchain.pem", name, place), pair and pair.certificate, place)
        same(content(lab, "privkey.pem", name, place), pair and pair.key, place)


def begun(lab, pair=None, **conf):
    """PAIR is installed, served and published: the start of something else."""
    pair = pair or lab.pair(1)
    lab.put("mail", pair)
    lab.configure(**conf)
    lab.run()
    lab.age()
    installed(lab, pair)
    lab.mark()
    return pair


def staged(lab, **more):
    return [lab.host(staged=True, **more)]
