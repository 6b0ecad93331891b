"""Words that are a whole reply, or its first word, and what no name is."""

import re

from service.rules.spelling import word_set

OPT_OUTS = word_set("stop stopall quit end revoke optout cancel unsubscribe") | {"stop all", "opt out"}
OPT_OUTS_ES = word_set("alto parar basta") | {"no mas", "ya no mas"}
ONLY_IN_SPANISH = word_set("cancelar terminar salir baja fin para pare detener")
"""Opt-outs of a member whose language is Spanish; English, or something else, to others."""
SLIPS = word_set(
    "stpo sotp tsop stp sto stopp sstop srop stiop stopo stpp dtop atop st0p stopit staop arret arrete"
) | {"stop it", "stop stop", "stop stop stop", "opt me out"}
MAY_MEAN_THE_VISIT = word_set("cancel end quit")
PAUSES, WINS = word_set("pause pausa pausar"), word_set("win logro")
NODS = word_set("ok okay okey k kk vale") | {"ok thanks", "ok thank you", "ok thx", "ok gracias", "vale gracias"}
YES_ES, NO_ES = word_set("va dale vale sale simon"), word_set("nel negativo")
SOME_OF_IT = word_set("kinda sorta") | {"kinda sorta"}
"""A goal's "some" in words that say nothing elsewhere."""
NOT_A_NAME = word_set(
    "able alone angry anymore available coming doing done drinking driving feeling free going good great happy home "
    "in interested joking late mad ok okay ready really sad safe sick sleeping sober suicidal sure there well working "
    "yet"
)
AM_NOT = re.compile(
    r"\s*(?:no soy|i'?m not|i am not|this isn'?t|this is not|it'?s not)\s+([^\W\d_]+)\W*", re.IGNORECASE
)
IS_A_WIN = re.compile(r"\W*(?:WIN\b|LOGRO\b|\w+\s*[:–—-])")
