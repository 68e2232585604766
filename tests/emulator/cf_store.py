"""The zones of the emulator: records, their indices, and virtual records that cost no memory.

A zone holds real records (few, indexed by id, name and type) and blocks of virtual ones, which are
computed when somebody looks. Nothing here knows about HTTP.
"""

import bisect
import hashlib
import random

RENDERED_MOST = 8192  # characters of content of all records of one name and type
WIRE_MOST = 4096      # octets of one record
RECORDS_MOST = {"free": 200, "pro": 3500, "business": 3500, "enterprise": 3500}
COMMENT_MOST = {"free": 100}  # characters; paid plans 500


class Record:
    """One DNS record. DATA of a TLSA record is (usage, selector, matching type, hex in upper case)."""

    __slots__ = ("id", "type", "name", "content", "data", "ttl", "comment", "created", "modified")

    def __init__(self, type, name, content, ttl, comment=None, data=None, id=None, now=0.0):
        self.id = id
        self.type = type
        self.name = name
        self.content = content
        self.data = data
        self.ttl = ttl
        self.comment = comment
        self.created = self.modified = now

    def copy(self):
        other = Record(self.type, self.name, self.content, self.ttl, self.comment, self.data,
                       self.id)
        other.created, other.modified = self.created, self.modified
        return other

    def plain(self):
        """As tests see it: hex in lower case."""
        content = self.content.lower() if self.type == "TLSA" else self.content
        data = None
        if self.data is not None:
            data = {"usage": self.data[0], "selector": self.data[1],
                    "matching_type": self.data[2], "certificate": self.data[3].lower()}
        return {"id": self.id, "type": self.type, "name": self.name, "content": content,
                "data": data, "ttl": self.ttl, "comment": self.comment}

    def same(self, other):
        """Identical in Cloudflare's sense: TTL and comment do not count."""
        return (self.name, self.type, self.content) == (other.name, other.type, other.content)


def tlsa_record(name, data, ttl, comment=None, now=0.0):
    usage, selector, matching_type, digest = data
    data = (usage, selector, matching_type, digest.upper())
    return Record("TLSA", name.lower(), "%d %d %d %s" % data, ttl, comment, data, None, now)


class Block:
    """COUNT virtual records of one type, in the order of their names."""

    def __init__(self, zone, number, type, count):
        self.zone, self.number, self.type, self.count = zone, number, type, count
        self.gone = []  # sorted numbers of those that were removed or became real
        self.mark = hashlib.sha256(("%s %d" % (zone.id, number)).encode()).hexdigest()[:20]

    def __len__(self):
        return self.count - len(self.gone)

    def live(self, position):
        number = position
        for gone in self.gone:
            if gone > number:
                break
            number += 1
        return number

    def name(self, number):
        label = "g%08d.%s" % (number, self.zone.name)
        return "_25._tcp." + label if self.type == "TLSA" else self.type.lower() + "-" + label

    def record(self, number):
        name = self.name(number)
        if self.type == "TLSA":
            digest = hashlib.sha256(name.encode()).hexdigest()
            record = tlsa_record(name, (3, 1, 1, digest), 3600)
        else:
            content = {"A": "192.0.2.%d" % (number % 250 + 1), "MX": "mail." + self.zone.name,
                       "TXT": '"generated %d"' % number}[self.type]
            record = Record(self.type, name, content, 300)
        record.id = "%04x%s%08x" % (0xfe00 + self.number, self.mark, number)
        record.created = record.modified = 1600000000.0 + number
        return record

    def number_of_id(self, id):
        if id[:4] != "%04x" % (0xfe00 + self.number) or id[4:24] != self.mark:
            return None
        return self.present(int(id[24:], 16))

    def number_of_name(self, name):
        first = self.name(0)
        at = first.index("g00000000")
        digits = name[at + 1:at + 9]
        if len(name) != len(first) or not (digits.isascii() and digits.isdigit()):
            return None
        return self.present(int(digits)) if self.name(int(digits)) == name else None

    def present(self, number):
        if number >= self.count:
            return None
        at = bisect.bisect_left(self.gone, number)
        return None if at < len(self.gone) and self.gone[at] == number else number


class Zone:
    def __init__(self, name, id=None, status="active", type="full", paused=False, plan="free",
                 quota=None, dnssec="active"):
        self.name = name.lower()
        self.id = id or hashlib.sha256(("zone " + self.name).encode()).hexdigest()[:32]
        self.status, self.type, self.paused = status, type, paused
        self.plan, self.dnssec = plan, dnssec
        self.quota = RECORDS_MOST[plan] if quota is None else int(quota)
        self.real = {}     # id -> Record
        self.by_name = {}  # name -> {id: Record}
        self.by_type = {}  # type -> {id: Record}
        self.blocks = []
        self.version = 0
        self.hidden = {}   # id -> request number from which a new record is listed
        self.ghosts = {}   # id -> (Record, request number until which it is still listed)
        self.order_cache = {}
        self.ids = random.Random(self.id)

    def generate(self, count):
        """COUNT TLSA records and a tenth as many of other types, all virtual."""
        if count:
            self.blocks = [Block(self, i, type, number) for i, (type, number) in enumerate(
                [("TLSA", count), ("A", count // 20 + 1), ("MX", count // 40 + 1),
                 ("TXT", count // 40 + 1)])]
            self.blocks.sort(key=lambda block: block.name(0))
            self.version += 1

    def holds(self, name):
        return name == self.name or name.endswith("." + self.name)

    # Changes

    def add(self, record):
        if record.id is None:
            record.id = "%032x" % self.ids.getrandbits(128)
        self.real[record.id] = record
        self.by_name.setdefault(record.name, {})[record.id] = record
        self.by_type.setdefault(record.type, {})[record.id] = record
        self.version += 1
        return record

    def remove(self, id):
        record = self.get(id)
        if id in self.real:
            del self.real[id]
            for index, key in ((self.by_name, record.name), (self.by_type, record.type)):
                del index[key][id]
                if not index[key]:
                    del index[key]
        else:
            for block in self.blocks:
                number = block.number_of_id(id)
                if number is not None:
                    bisect.insort(block.gone, number)
        self.version += 1
        return record

    def replace(self, id, record):
        before = self.remove(id)
        record.id, record.created = id, before.created
        self.add(record)
        return before

    # Questions

    def get(self, id):
        if id in self.real:
            return self.real[id]
        for block in self.blocks:
            number = block.number_of_id(id)
            if number is not None:
                return block.record(number)
        return None

    def named(self, name):
        """All records of exactly this name."""
        found = list(self.by_name.get(name, {}).values())
        for block in self.blocks:
            number = block.number_of_name(name)
            if number is not None:
                found.append(block.record(number))
        return found

    def everything(self, type=None):
        for block in self.blocks:
            if type in (None, block.type):
                for position in range(len(block)):
                    yield block.record(block.live(position))
        yield from list((self.real if type is None else self.by_type.get(type, {})).values())

    def listed(self, type, now):
        """(records, ranks, blocks) of a type (None: all) as a list that is in the order of names:
        the real ones, the place of each, and the virtual ones between them."""
        key = (type, self.version, tuple(sorted(self.late(now)[0])), tuple(self.late(now)[1]))
        if key not in self.order_cache:
            blocks = [block for block in self.blocks if type in (None, block.type)]
            total = sum(map(len, blocks))
            real = self.seen((self.real if type is None else self.by_type.get(type, {})).values(),
                             now, lambda record: type in (None, record.type))
            real.sort(key=lambda record: (record.name, record.id))
            ranks = []
            for i, record in enumerate(real):
                ranks.append(i + bisect.bisect_left(
                    range(total), record.name, key=lambda p: self.virtual_name(blocks, p)))
            self.order_cache = {key: (real, ranks, blocks, total + len(real))}
        return self.order_cache[key]

    @staticmethod
    def virtual_name(blocks, position):
        for block in blocks:
            if position < len(block):
                return block.name(block.live(position))
            position -= len(block)
        return None

    @staticmethod
    def virtual(blocks, position):
        for block in blocks:
            if position < len(block):
                return block.record(block.live(position))
            position -= len(block)
        return None

    def slice_by_name(self, type, now, start, stop, descending):
        """(records from START to STOP in the order of names, number of all)."""
        real, ranks, blocks, total = self.listed(type, now)
        stop = min(stop, total)
        found = []
        for place in range(start, stop):
            position = total - 1 - place if descending else place
            at = bisect.bisect_left(ranks, position)
            if at < len(ranks) and ranks[at] == position:
                found.append(real[at])
            else:
                found.append(self.virtual(blocks, position - at))
        return found, total

    # Writes that lists show later

    def late(self, now):
        hidden = [id for id, until in self.hidden.items() if now < until]
        ghosts = [id for id, (_, until) in self.ghosts.items() if now < until]
        return hidden, ghosts

    def seen(self, records, now, fits=lambda record: True):
        """RECORDS as a list shows them to request NOW: without the late, with the ghosts."""
        hidden, ghosts = self.late(now)
        kept = [record for record in records if record.id not in hidden]
        have = {record.id for record in kept} if ghosts else ()
        return kept + [self.ghosts[id][0] for id in ghosts
                       if id not in have and fits(self.ghosts[id][0])]

    def rrset(self, name, type, now):
        name = name.lower().rstrip(".")
        records = [r for r in self.named(name) if r.type == type]
        hidden, _ = self.late(now)
        records = [record for record in records if record.id not in hidden]
        ttls = [300 if record.ttl == 1 else record.ttl for record in records]
        return {"name": name, "ttl": min(ttls) if ttls else None,
                "records": sorted(record.plain()["content"] for record in records)}
