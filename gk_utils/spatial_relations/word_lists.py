"""Words a statement is read with that are no relations: adjectives, numbers, nouns for anything, singular and plural.

Nouns are not listed: any word may be one. Known adjectives and compounds only say where a noun begins.
"""

import functools


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _numbered(text: str, start: int) -> dict[str, int]:
    return {word: number for number, word in enumerate(text.split(), start=start)}


# They fit every thing ("people" ones fit persons, by name).
ANYTHING = ("object", "thing", "item", "one", "something", "anything", "everything", "element", "entity")
ASPECTS = {  # wording: canonical
    **{word: word for word in ("size", "shape", "height", "width", "pattern", "type", "material", "direction")},
    **{"colour": "colour", "color": "colour", "kind": "type", "category": "type", "orientation": "direction"},
}
NUMBERS = _numbered(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty",
    start=0,
)
ORDINALS = _numbered("first second third fourth fifth sixth seventh eighth ninth tenth", start=1)
ORDINALS |= {"1st": 1, "2nd": 2, "3rd": 3} | {f"{number}th": number for number in range(4, 21)}

COLOURS = _set(
    "red orange yellow green blue pink white black grey gray brown purple violet beige cyan magenta turquoise gold "
    "golden silver silvery tan maroon navy teal cream crimson scarlet lavender olive blond blonde colourful colorful "
    "multicolored"
)
SHADES = _set("light dark bright pale deep")  # joined with the colour behind them: "light blue"
INTENSIFIERS = _set("very quite really extremely fairly rather too")  # joined with what follows
ADJECTIVES = (
    COLOURS
    | SHADES
    | _set(
        # sizes
        "small large big little tiny huge tall short long wide narrow thin thick giant medium mini fat slim high low "
        # shapes, patterns, surfaces
        "round square circular rectangular oval triangular flat curved straight plain striped dotted spotted checkered "
        "checked plaid patterned shiny glossy matte smooth rough fluffy furry fuzzy hairy transparent clear opaque "
        # materials
        "wooden metal metallic plastic ceramic steel leather rubber stone brick concrete woolen knitted wicker "
        # states
        "open closed shut empty full half broken cracked dirty clean wet dry hot cold warm new old young fresh ripe "
        "rotten cooked raw sliced cut whole bitten peeled lit unlit steaming pouring reaching singing sleeping asleep "
        "awake alive dead upright tilted inverted stacked crowded occupied vacant folded wrapped sealed visible hidden "
        "alone happy sad angry naked bald bare loose tight heavy light soft hard sharp blunt "
        # of people and animals
        "male female adult elderly pregnant wild tame bearded grown smiling "
        # places before the noun that are no superlatives
        "upper lower inner outer nearby opposite central"
    )
)
# What begins like "adjective noun" or ends like a relation and is one noun.
COMPOUNDS = frozenset(
    {
        *("hot dog", "potted plant", "teddy bear", "stop sign", "cutting board", "chopping board", "high chair"),
        *("white board", "black board", "green house", "toast up", "remote control", "rubber duck", "open sign"),
        *("light bulb", "light switch", "traffic light", "street light", "wooden spoon", "dry cleaner", "short cake"),
        *("stuffed animal", "stuffed bear", "dining table", "parking meter", "folding chair", "rolling pin"),
        *("washing machine", "swimming pool", "shopping bag", "shopping cart", "frying pan", "baking tray"),
        *("mixing bowl", "sewing machine", "vending machine", "wedding cake", "serving tray", "sleeping bag"),
    }
)
# What a thing does without an object; what follows is a relation ("sitting on the mat").
POSTURES = {  # finite forms: -ing form
    form: ing
    for ing, forms in {
        "sitting": "sits sit sat", "standing": "stands stand stood", "lying": "lies lie lay", "leaning": "leans lean",
        "hanging": "hangs hang", "resting": "rests rest", "sleeping": "sleeps sleep", "kneeling": "kneels kneel",
        "crouching": "crouches crouch", "floating": "floats float", "walking": "walks walk", "running": "runs run",
        "flying": "flies fly", "swimming": "swims swim", "jumping": "jumps jump", "playing": "plays play",
        "waiting": "waits wait", "laying": "lays", "perching": "perches perch", "seated": "", "parked": "",
        "perched": "", "hidden": "", "stacked": "", "draped": "", "piled": "", "balanced": "", "tied": "",
        "reclining": "reclines recline", "grazing": "grazes graze", "posing": "poses pose", "squatting": "squats squat",
    }.items()
    for form in forms.split()
}  # fmt: skip
POSTURE_WORDS = _set(
    "sitting standing lying leaning hanging resting sleeping kneeling crouching floating walking running flying "
    "swimming jumping playing waiting laying perching seated parked perched hidden stacked draped piled balanced tied "
    "reclining grazing posing squatting"
)
# They only say that there is a place: "is located left of" is "is left of".
PLACED = _set("located placed situated positioned found seen shown set put visible present")
# -ing words that are nouns.
_ING_NOUNS = _set(
    "building ceiling painting ring string king wing thing clothing awning railing swing spring earring icing frosting "
    "pudding dumpling drawing sing being fling sling lightning evening morning topping filling stuffing landing "
    "crossing opening sibling duckling herring carving casing lining moulding molding paving scaffolding siding "
    "tubing tiling flooring bedding planting wiring fencing setting writing dressing covering crowning wedding"
)

_IRREGULAR = {  # plural: singular
    "men": "man", "women": "woman", "children": "child", "people": "person", "persons": "person", "mice": "mouse",
    "geese": "goose", "feet": "foot", "teeth": "tooth", "oxen": "ox", "dice": "die", "loaves": "loaf",
    "shelves": "shelf", "knives": "knife", "leaves": "leaf", "wolves": "wolf", "calves": "calf", "halves": "half",
    "scarves": "scarf", "elves": "elf", "wives": "wife", "lives": "life", "thieves": "thief", "hooves": "hoof",
    "cacti": "cactus", "fungi": "fungus", "cookies": "cookie", "movies": "movie", "zombies": "zombie",
    "hoodies": "hoodie", "ties": "tie", "pies": "pie", "shoes": "shoe", "canoes": "canoe", "toes": "toe",
    "axes": "axe", "brownies": "brownie", "veggies": "veggie", "birdies": "birdie", "potatoes": "potato",
    "tomatoes": "tomato", "buses": "bus", "gases": "gas", "vases": "vase", "cases": "case", "bases": "base",
    "houses": "house", "horses": "horse", "noses": "nose", "roses": "rose", "purses": "purse", "hoses": "hose",
    "briefcases": "briefcase", "suitcases": "suitcase", "bookcases": "bookcase", "blouses": "blouse",
    "greenhouses": "greenhouse", "lenses": "lens", "mousses": "mousse", "selfies": "selfie", "genies": "genie",
    "firemen": "fireman", "policemen": "policeman", "snowmen": "snowman", "fishermen": "fisherman",
    "horsemen": "horseman", "workmen": "workman", "axles": "axle", "caches": "cache", "headaches": "headache",
    "quizzes": "quiz", "pantries": "pantry", "smoothies": "smoothie", "causes": "cause", "mongooses": "mongoose",
    "geniuses": "genius", "cheeses": "cheese", "databases": "database", "pauses": "pause",
}  # fmt: skip
# One form for both numbers: the verb or the word before it says which.
UNCHANGED = _set(
    "sheep fish deer moose aircraft scissors jeans trousers pants shorts series species bison binoculars "
    "headphones goggles sunglasses tongs pliers salmon trout offspring clothes stairs skis"
)
_NO_PLURAL = _set(
    "bus glass grass cross dress boss class gas lens cactus octopus canvas mattress compass cutlass iris tennis atlas "
    "chess walrus citrus hibiscus virus campus circus asparagus bias chaos harness hummus molasses news oasis pancreas "
    "process success mess brass bass moss floss press princess waitress hostess actress less christmas swiss this its "
    "was is has does yes us always perhaps across bellows plus minus kiss mass pass loss headdress address recess "
    "apparatus focus crocus genius radius status sinus surplus thermos cosmos rhinoceros hippopotamus albatross"
)


@functools.cache
def singular(word: str) -> str:
    """The singular of a noun, lower case; a word that is no plural stays as it is.

    >>> [singular(word) for word in ("mugs", "boxes", "berries", "knives", "people", "bus", "sheep", "vases")]
    ['mug', 'box', 'berry', 'knife', 'person', 'bus', 'sheep', 'vase']
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ses") and word[:-2] in _NO_PLURAL:
        return word[:-2]
    if word in UNCHANGED or word in _NO_PLURAL or len(word) < 3 or not word.endswith("s") or word.endswith("ss"):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zzes")):
        return word[:-2]
    return word[:-1]


@functools.cache
def plural(word: str) -> str:
    """The plural of a singular noun; `singular` gives the word back.

    >>> [plural(word) for word in ("mug", "box", "berry", "knife", "person", "bus", "sheep", "vase", "toy")]
    ['mugs', 'boxes', 'berries', 'knives', 'people', 'buses', 'sheep', 'vases', 'toys']
    """
    if word in UNCHANGED:
        return word
    found = _PLURALS.get(word)
    if found is None:
        if word.endswith("y") and word[-2:-1] not in ("", *"aeiou"):
            found = word[:-1] + "ies"
        else:
            found = word + ("es" if word in _NO_PLURAL or word.endswith(("ch", "sh", "x", "ss", "zz")) else "s")
    return found


_PLURALS = {one: many for many, one in reversed(_IRREGULAR.items()) if many != "persons"}


def is_doing(word: str) -> bool:
    """Whether a word reads as a participle ("snoozing") and not as a noun ("building").

    >>> is_doing("snoozing"), is_doing("building"), is_doing("ping")
    (True, False, False)
    """
    return len(word) > 5 and word.endswith("ing") and word not in _ING_NOUNS and singular(word) not in _ING_NOUNS
