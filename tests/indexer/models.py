"""Small models of several makes, with weights at random, as folders that sentence-transformers loads."""

import json
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Dense, Normalize, Pooling, StaticEmbedding, Transformer
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.trainers import UnigramTrainer
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
    XLMRobertaTokenizer,
)

from indexer.encoder import locate
from tests.conftest import NOTES, ROOT

WIDTH = 32
_MAKES: dict[str, tuple[Any, Any]] = {
    "bert": (BertModel, BertConfig),
    "distilbert": (DistilBertModel, DistilBertConfig),
    "roberta": (RobertaModel, RobertaConfig),
    "xlm-roberta": (XLMRobertaModel, XLMRobertaConfig),
}


def write_model(
    folder: Path,
    *,
    make: str = "bert",
    pooling: str = "mean",
    normalise: bool = True,
    narrowed: int = 0,
    prompts: dict[str, str] | None = None,
    default_prompt: str | None = None,
    max_length: int = 48,
) -> Path:
    """A model with two layers and the vocabulary of the default one, or for XLM-R one of its own in SentencePiece's manner.
    `narrowed`: the dimension of a dense layer at its end.
    """
    torch.manual_seed(7)
    tokenizer = _multilingual() if make == "xlm-roberta" else AutoTokenizer.from_pretrained(str(locate().folder))
    kind, config = _MAKES[make]
    sizes: dict[str, Any] = {"vocab_size": len(tokenizer)}
    if make == "distilbert":
        sizes |= {"dim": WIDTH, "hidden_dim": 64, "n_layers": 2, "n_heads": 2}
    else:
        sizes |= {"hidden_size": WIDTH, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    if make == "roberta":
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
        sizes |= {"pad_token_id": tokenizer.pad_token_id, "type_vocab_size": 1}
    if make == "xlm-roberta":
        sizes |= {"pad_token_id": tokenizer.pad_token_id, "type_vocab_size": 1}
    inner = folder / "inner"
    kind(config(**sizes)).save_pretrained(inner)
    tokenizer.save_pretrained(inner)
    modules: list[Any] = [Transformer(str(inner), max_seq_length=max_length), Pooling(WIDTH, pooling_mode=pooling)]
    if narrowed:
        modules.append(Dense(WIDTH, narrowed))
    if normalise:
        modules.append(Normalize())
    model = SentenceTransformer(modules=modules, prompts=prompts, default_prompt_name=default_prompt, device="cpu")
    model.save(str(folder / "model"), create_model_card=False)
    return folder / "model"


def _multilingual() -> Any:
    """A tokenizer as XLM-R's, whose pieces carry the space before a word, with a vocabulary of several scripts."""
    places = [*(ROOT / "bench" / "languages").glob("*.txt"), *NOTES.glob("*.txt")]
    small = Tokenizer(Unigram())
    small.normalizer, small.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = UnigramTrainer(vocab_size=3000, special_tokens=special, unk_token="<unk>", show_progress=False)
    lines = [line.strip() for path in sorted(places) for line in path.read_text("utf-8").splitlines()]
    small.train_from_iterator(lines, trainer)
    return XLMRobertaTokenizer(vocab=[tuple(piece) for piece in json.loads(small.to_str())["model"]["vocab"]])


def write_unconvertible(folder: Path) -> Path:
    """A model that has no transformer to trace: a vector a token, averaged."""
    torch.manual_seed(7)
    tokenizer = Tokenizer.from_file(str(locate().folder / "tokenizer.json"))
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=WIDTH)], device="cpu").save(
        str(folder / "static"), create_model_card=False
    )
    return folder / "static"


def add_code(folder: Path, marker: Path) -> None:
    """Makes the model ask for code of its own, which would leave a trace."""
    config = json.loads((folder / "config.json").read_text())
    config |= {"auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
