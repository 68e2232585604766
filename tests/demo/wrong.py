"""Rotations in a wrong order, by which the demo's probe shows that it would notice.

Each takes the stage (see demo) and does the whole rotation by itself.
"""

import time


def delete_first(stage):
    """The old record goes, the new one comes, and the service is reloaded after both."""
    old = stage.records()
    stage.renew()
    for record in old:
        stage.remove(record)
    stage.add(stage.key_on_disk())
    stage.put_and_reload()


def no_wait(stage):
    """Nobody waits for caches that hold the old record alone."""
    old = stage.records()
    stage.renew()
    stage.add(stage.key_on_disk())
    stage.put_and_reload()
    for record in old:
        stage.remove(record)


def one_ttl(stage):
    """One TTL is not enough: a cache behind a cache hands the old answer on with its whole TTL."""
    old = stage.records()
    stage.renew()
    stage.add(stage.key_on_disk())
    time.sleep(stage.ttl)  # what is shown is this very wait
    stage.put_and_reload()
    for record in old:
        stage.remove(record)


ORDERS = {"delete-first": delete_first, "no-wait": no_wait, "one-ttl": one_ttl}
