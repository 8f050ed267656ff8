"""Which native body a model speaks: by its id, and where that tells nothing, by the body. Pure.

Called by `api/` for InvokeModel, InvokeModelWithResponseStream and CountTokens.
"""

from collections.abc import Mapping
from typing import TypeAlias

from callpark.models.asked import Asked
from callpark.models.bodies import chat_completions
from callpark.models.bodies.anthropic import AnthropicMessages
from callpark.models.bodies.cohere import CohereEmbed
from callpark.models.bodies.family import Chunks, EmbeddingFamily, Naming, TextFamily
from callpark.models.bodies.llama import Llama
from callpark.models.bodies.mistral import MistralChat, MistralText
from callpark.models.bodies.nova import Nova
from callpark.models.bodies.schema import parsed
from callpark.models.bodies.titan_embeddings import TitanEmbeddings
from callpark.models.bodies.titan_text import TitanText
from callpark.models.completion import Completion
from callpark.models.documents import Document
from callpark.models.refusals import validation

Family: TypeAlias = TextFamily | TitanEmbeddings | CohereEmbed


class ChatCompletions:
    """Of OpenAI's, DeepSeek's, Qwen's and others' models."""

    def read(self, body: bytes) -> Asked:
        return chat_completions.read(body)

    def answer(self, completion: Completion, naming: Naming) -> Document:
        return chat_completions.answer(completion, naming, "finish_reason")

    def chunks(self, naming: Naming) -> Chunks:
        return chat_completions.chunks(naming, "finish_reason", "delta")


_CHAT = ChatCompletions()
#: Provider and the beginning of a model's name → its family; the first that fits.
_BY_NAME: tuple[tuple[str, str, Family | None], ...] = (
    ("anthropic", "", AnthropicMessages()),
    ("amazon", "titan-embed-text-v1", TitanEmbeddings(first=True)),
    ("amazon", "titan-embed-g1-text", TitanEmbeddings(first=True)),
    ("amazon", "titan-embed-text", TitanEmbeddings()),
    ("amazon", "titan-embed-image", None),
    ("amazon", "titan-image", None),
    ("amazon", "titan", TitanText()),
    ("amazon", "nova-canvas", None),
    ("amazon", "nova-reel", None),
    ("amazon", "nova-sonic", None),
    ("amazon", "nova-2-multimodal-embeddings", None),
    ("amazon", "nova", Nova()),
    ("meta", "llama", Llama()),
    ("mistral", "mistral-7b", MistralText()),
    ("mistral", "mixtral", MistralText()),
    ("mistral", "", MistralChat()),
    ("cohere", "embed-v4", CohereEmbed(usual=1536)),
    ("cohere", "embed", CohereEmbed()),
    ("openai", "", _CHAT),
    ("deepseek", "", _CHAT),
    ("qwen", "", _CHAT),
    ("google", "", _CHAT),
    ("moonshot", "", _CHAT),
    ("minimax", "", _CHAT),
    ("zai", "", _CHAT),
    ("nvidia", "", _CHAT),
    ("cohere", "", None),
    ("ai21", "", None),
    ("writer", "", None),
    ("stability", "", None),
    ("luma", "", None),
    ("twelvelabs", "", None),
)
_PROVIDERS = frozenset(provider for provider, _, _ in _BY_NAME)

#: A member that only one family's bodies have → the family.
_BY_MEMBER: Mapping[str, Family] = {
    "anthropic_version": AnthropicMessages(),
    "schemaVersion": Nova(),
    "inferenceConfig": Nova(),
    "textGenerationConfig": TitanText(),
    "max_gen_len": Llama(),
    "input_type": CohereEmbed(),
    "embeddingTypes": TitanEmbeddings(),
    "dimensions": TitanEmbeddings(),
    "normalize": TitanEmbeddings(),
    "inputText": TitanEmbeddings(),
    "messages": _CHAT,
    "prompt": MistralText(),
}


def embedding_family(model_id: str, body: bytes) -> EmbeddingFamily | None:
    """None for models that write text. Raises CallerError for families whose bodies callpark does not know."""
    found = _family(model_id, body)
    return found if isinstance(found, TitanEmbeddings | CohereEmbed) else None


def text_family(model_id: str, body: bytes, refusal: str) -> TextFamily:
    """Raises CallerError, for models that embed with the text `refusal`."""
    found = _family(model_id, body)
    if isinstance(found, TitanEmbeddings | CohereEmbed):
        raise validation(refusal)
    return found


def _family(model_id: str, body: bytes) -> Family:
    named = _named(model_id)
    if named is None:
        return _by_member(model_id, body)
    provider, name = named
    fitting = (family for owner, start, family in _BY_NAME if owner == provider and name.startswith(start))
    found = next(fitting, None)
    if found is None:
        raise _unknown(model_id)
    return found


def _named(model_id: str) -> tuple[str, str] | None:
    """(provider, name) of a model's id, an inference profile's, or the ARN of either; None without a provider in it."""
    parts = model_id.rpartition("/")[2].split(".")
    for place, part in enumerate(parts[:-1]):
        if part in _PROVIDERS:
            return part, ".".join(parts[place + 1 :])
    return None


def _by_member(model_id: str, body: bytes) -> Family:
    given = parsed(body)
    for member, found in _BY_MEMBER.items():
        if member in given:
            return found
    raise _unknown(model_id)


def _unknown(model_id: str) -> Exception:
    return validation(
        f"callpark does not know the native body of {model_id[:256]}. It knows those of Anthropic's messages, Amazon "
        "Nova, Titan Text and Titan Text Embeddings, Meta Llama, Mistral AI, Cohere Embed and chat completions; or use "
        "Converse."
    )
