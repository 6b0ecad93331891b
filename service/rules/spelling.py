"""How people spell on a phone: one spelling for each word that the phrases look for."""


def word_set(text: str) -> frozenset[str]:
    """The words of a text: a table that reads as prose."""
    return frozenset(text.split())


KEY_WORDS = word_set(
    "suicide suicidal overdose overdosed overdosing unconscious seizure breathing breathe bleeding strangled "
    "strangling threatened threatening threatens swallowed unresponsive myself suicidarme sobredosis pastillas "
    "convulsion desaparecer hopeless collapsed"
)
"""Words that are recognised with one letter wrong, missing, doubled or swapped."""
OTHER_WORDS = word_set("strangle strangles collapse collapses breathed seizures overdoses suicides pastilla threaten")
"""Words of their own that are one slip away from those."""

TO_KNOWN = {
    "suiside suisidal sucidial suicidle suicude suicid sewerslide sooicide soocide": "suicide",
    "lief lyfe liffe": "life",
    "kil kll kiil kilk k1ll kiill": "kill",
    "rped rapd": "raped",
    "sui": "suicide",
    "wnat wantt wnt": "want",
    "daed deadd": "dead",
    "lfe": "life",
    "kilin kiling": "killing",
    "dieing dyeing diying": "dying",
    "ded": "dead",
    "hert hrut hurtt": "hurt",
    "cuting": "cutting",
    "choaked chocked": "choked",
    "breth brethe breate breeth": "breathe",
    "brething": "breathing",
    "siezure seziure": "seizure",
    "unconcious unconsious unconscience": "unconscious",
    "uncontious": "unconscious",
    "od oding": "overdose",
    "oded": "overdosed",
    "kms kmsing kys": "kms",
    "wana wan wannna": "wanna",
    "gona gunna goin2 gon": "gonna",
    "goign": "going",
    "dnt dont dun donot": "dont",
    "cnt cannot cannt couldnt": "cant",
    "aint arent": "isnt",
    "doesnt": "dont",
    "u yu": "you",
    "w": "with",
    "txt tex": "text",
    "txts texs": "texts",
    "txting txtin": "texting",
    "msg mssg": "message",
    "msgs mssgs": "messages",
    "msging msgin messagin": "messaging",
    "ur": "your",
    "tonite 2nite tonihgt tonigt tn tnite": "tonight",
    "abt bout": "about",
    "thru": "through",
    "ppl": "people",
    "smth sumthin somethin sumthing": "something",
    "nothin nuthin": "nothing",
    "4ever": "forever",
    "2day": "today",
    "r": "are",
    "hav": "have",
    "luv": "love",
    "sry soz": "sorry",
    "b4": "before",
    "afriad": "afraid",
    "skared scard": "scared",
    "knif kinfe": "knife",
    "pilz pillz pils": "pills",
    "stomac stomache": "stomach",
    "amublance ambulence ambulanse": "ambulance",
    "gudbye gdbye godbye goodby goobye": "goodbye",
    "stuf": "stuff",
    "birdge brige": "bridge",
    "tmrw tomorow tommorow tmr tomorro": "tomorrow",
    "nite": "night",
    "bcuz cuz cos coz bc becuase": "because",
    "planing": "planning",
    "anymor": "anymore",
    "evry": "every",
    "evryone everone everybody": "everyone",
    "noone nobody": "nobody",
    "sumone somone somebody": "someone",
    "bf": "boyfriend",
    "gf": "girlfriend",
    "hubby": "husband",
    "mum mom mam mama mommy mummy mami": "mom",
    "papa daddy dada": "dad",
    "stepfather stepdaddy": "stepdad",
    "bday": "birthday",
    "xmas": "christmas",
    "hosp": "hospital",
    "q k ke qe": "que",
    "stoy estoi toi": "estoy",
    "kerer kiere": "quiere",
    "aki": "aqui",
    "pepas": "pastillas",
    "respirrar rrespirar": "respirar",
    "bb": "bebe",
    "vda": "vida",
    "bida": "vida",
    "aser": "hacer",
    "acer": "hacer",
    "aora ahorita": "ahora",
    "mañna mñn": "manana",
    "pa": "para",
    "xfa porfa": "por",
    "grasias": "gracias",
    "adioz": "adios",
    "esposito": "esposo",
    "mamita mamacita": "mom",
    "muriendome": "muriendo",
    "golpio": "golpeo",
    "espoza": "esposa",
    "xq porq": "porque",
    "qiero kiero quero quierro": "quiero",
    "morirme morrir": "morir",
    "ojala ojalá": "ojala",
    "bastillas pastiyas": "pastillas",
}
GERUNDS = word_set(
    "abus bang beat beg bleed break breath bring burn call carv chas chok choos clos com count crash crawl cry "
    "cutt danc die do drag draw drink driv drown dy eat end faint fall feel fight find finish follow fuck gasp "
    "gett giv go grabb grind hang harm hat hav head hear hid hitt hold hop hurt imagin jump keep kick kill know "
    "laps laugh leav lett liv load lock look los ly mak miss mov numb overdos pack pass pay pick plan plann point "
    "pray puk pull punch push quit rap reach read runn sav say scratch scream seiz sell send shak shoot shower "
    "sink sitt slapp sleep slic slitt smash smok snapp snort stab stalk stand star starv stay stopp strangl "
    "struggl suffer swallow swing tak talk tell tempt text think threaten throw touch track trapp try turn twitch "
    "vomit wait wak walk want watch wheez wish work worry writ yell"
)
"""What stands before the -ing that is typed as -in: "sittin"."""
PEOPLE = word_set(
    "mom dad husband wife boyfriend girlfriend partner brother sister son daughter uncle aunt cousin grandma grandpa "
    "grandmother grandfather stepdad stepmom roommate neighbor boss nephew niece mother father caregiver nurse"
)
"""Those whose things are spoken of: "my brother's arm" is "my brother arm"."""
JOINED = {
    "killmyself": "kill myself",
    "killingmyself": "killing myself",
    "endmylife": "end my life",
    "enditall": "end it all",
    "wanttodie": "wanna die",
    "iwanttodie": "i wanna die",
    "wannadie": "wanna die",
    "selfharm": "self harm",
    "selfharming": "self harming",
    "selfharmed": "self harmed",
    "im": "i am",
    "ima": "i gonna",
    "imma": "i gonna",
    "ive": "i have",
    "id": "i would",
    "ill": "i will",
    "shell": "she will",
    "theyll": "they will",
    "youll": "you will",
    "tonights": "tonight is",
    "everythings": "everything is",
    "nobodys": "nobody is",
    "someones": "someone is",
    "somebodys": "someone is",
    "lifes": "life is",
    "wheres": "where is",
    "heres": "here is",
    "itll": "it will",
    "thatll": "that will",
    "hes": "he is",
    "shes": "she is",
    "theyre": "they are",
    "its": "it is",
    "thats": "that is",
    "theres": "there is",
    "whats": "what is",
    "hed": "he would",
    "youre": "you are",
    "wasnt": "was not",
    "havent": "have not",
    "hasnt": "has not",
    "werent": "were not",
    "whos": "who is",
    "weve": "we have",
    "theyve": "they have",
    "youve": "you have",
    "wouldve": "would have",
    "shouldve": "should have",
    "heartattack": "heart attack",
    "rn": "right now",
    "infront": "in front",
    "alot": "a lot",
    "goodbyes": "goodbye",
    "byebye": "bye",
    "al": "a el",
    "del": "de el",
}
LETTERS = str.maketrans("013457@$", "oieasTas".lower())
"""Digits and signs that stand for letters, in a word that has letters too."""

PAIRS = {
    tuple(pair.split()): joined
    for joined, pairs in {
        "dont": ["do not", "does not"],
        "boxcutter": ["box cutter", "utility knife"],
        "didnt": ["did not"],
        "cant": ["can not", "could not", "can nt"],
        "wont": ["will not"],
        "wouldnt": ["would not"],
        "isnt": ["is not", "am not", "are not", "was not", "were not"],
        "wanna": ["want to", "wants to", "wanted to", "wanting to", "want 2", "wanted 2"],
        "gonna": ["going to", "going 2"],
        "gotta": ["have to", "has to", "got to", "need to", "needs to", "need 2"],
        "myself": ["my self", "me self", "mi self"],
        "himself": ["him self"],
        "herself": ["her self"],
        "anymore": ["any more", "any longer"],
        "tonight": ["to night"],
        "overdose": ["o d"],
        "nobody": ["no one"],
        "someone": ["some one"],
        "cardiac": ["heart attack"],
        "without": ["with o", "with out"],
        "everyone": ["every one"],
    }.items()
    for pair in pairs
}
FILLERS = word_set(
    "just really very literally honestly actually fucking fuckin freaking even still kinda totally seriously "
    "basically definitely probably maybe also tbh ngl pls plz please badly simply truly always um uh well omg so muy "
    "ya pues realmente solo tambien"
)
"""Words that change nothing of what is said; left out, so that patterns need not expect them everywhere."""


def _misspellings(word: str) -> set[str]:
    """Every string one slip away from the word; its first letter is right."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    cuts = [(word[:n], word[n:]) for n in range(1, len(word) + 1)]
    missing = {head + tail[1:] for head, tail in cuts}
    swapped = {head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1}
    other = {head + letter + tail[1:] for head, tail in cuts if tail for letter in letters}
    added = {head + letter + tail for head, tail in cuts for letter in letters}
    return missing | swapped | other | added


def _spellings() -> dict[str, tuple[str, ...]]:
    slips = {slip: (word,) for word in sorted(KEY_WORDS) for slip in _misspellings(word) - OTHER_WORDS}
    theirs = {f"{one}s": (one,) for one in PEOPLE}
    known = {typed: (word,) for several, word in TO_KNOWN.items() for typed in several.split()}
    joined = {typed: tuple(words.split()) for typed, words in JOINED.items()}
    short = {f"{stem}in": (f"{stem}ing",) for stem in GERUNDS}
    return slips | theirs | short | known | joined | {word: (word,) for word in KEY_WORDS}


SPELLINGS = _spellings()
