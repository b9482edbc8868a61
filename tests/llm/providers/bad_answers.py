"""Answers that no stage can use: what the scripted server is told, and how they are counted."""

BAD_ANSWERS = [
    ("not_json", "not_json"),
    ("cut_off", "truncated"),
    ("refusal", "refused"),
    ("empty", "empty"),
    ("off_schema", "off_schema"),
    ("over_long", "over_long"),
]
