"""The languages that XLM-R was trained on, and how often each is drawn."""

from collections.abc import Mapping

from stages.lib.synthetic_params import Examples

ENGLISH = "English"
SMOOTHING = 0.3
"""The power by which XLM-R flattened the sizes, so that small languages are drawn at all."""

# GiB of text in CC-100, as the authors of XLM-R report them (arXiv 1911.02116)
SIZES = {
    "Afrikaans": 1.3,
    "Albanian": 5.4,
    "Amharic": 0.8,
    "Arabic": 28.0,
    "Armenian": 5.5,
    "Assamese": 0.1,
    "Azerbaijani": 6.5,
    "Basque": 2.0,
    "Belarusian": 4.3,
    "Bengali": 8.4,
    "Bosnian": 0.1,
    "Breton": 0.1,
    "Bulgarian": 57.5,
    "Burmese": 0.4,
    "Catalan": 10.1,
    "Chinese (simplified)": 46.9,
    "Chinese (traditional)": 16.6,
    "Croatian": 20.5,
    "Czech": 16.3,
    "Danish": 45.6,
    "Dutch": 29.3,
    "Esperanto": 0.9,
    "Estonian": 6.1,
    "Filipino": 3.1,
    "Finnish": 54.3,
    "French": 56.8,
    "Galician": 2.9,
    "Georgian": 9.1,
    "German": 66.6,
    "Greek": 46.9,
    "Gujarati": 1.9,
    "Hausa": 0.3,
    "Hebrew": 31.6,
    "Hindi": 20.2,
    "Hungarian": 58.4,
    "Icelandic": 3.2,
    "Indonesian": 148.3,
    "Irish": 0.5,
    "Italian": 30.2,
    "Japanese": 69.3,
    "Javanese": 0.2,
    "Kannada": 3.3,
    "Kazakh": 6.4,
    "Khmer": 1.5,
    "Korean": 54.2,
    "Kurdish": 0.4,
    "Kyrgyz": 1.2,
    "Lao": 0.6,
    "Latin": 2.5,
    "Latvian": 8.8,
    "Lithuanian": 13.7,
    "Macedonian": 4.8,
    "Malagasy": 0.2,
    "Malay": 8.5,
    "Malayalam": 7.6,
    "Marathi": 2.8,
    "Mongolian": 3.0,
    "Nepali": 3.8,
    "Norwegian": 49.0,
    "Oriya": 0.6,
    "Oromo": 0.1,
    "Pashto": 0.7,
    "Persian": 111.6,
    "Polish": 44.6,
    "Portuguese": 49.1,
    "Punjabi": 0.8,
    "Romanian": 61.4,
    "Russian": 278.0,
    "Sanskrit": 0.3,
    "Scottish Gaelic": 0.1,
    "Serbian": 9.1,
    "Sindhi": 0.4,
    "Sinhala": 3.6,
    "Slovak": 23.2,
    "Slovenian": 10.3,
    "Somali": 0.4,
    "Spanish": 53.3,
    "Sundanese": 0.1,
    "Swahili": 1.6,
    "Swedish": 12.1,
    "Tamil": 12.2,
    "Telugu": 4.7,
    "Thai": 71.7,
    "Turkish": 20.9,
    "Ukrainian": 84.6,
    "Urdu": 5.7,
    "Uyghur": 0.4,
    "Uzbek": 0.7,
    "Vietnamese": 137.3,
    "Welsh": 0.8,
    "Western Frisian": 0.2,
    "Xhosa": 0.1,
    "Yiddish": 0.3,
}
"""All but English."""


def language_weights(params: Examples) -> Mapping[str, float]:
    """The weights that the parameters name, or else those of XLM-R's list with English's share."""
    if params.language:
        return params.language
    others = {name: size**SMOOTHING for name, size in SIZES.items()}
    share = params.english_share
    return {ENGLISH: sum(others.values()) * share / (1 - share)} | others
