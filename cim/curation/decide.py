"""What becomes of every pair of a corpus: kept, dropped for the first reason that holds, or moved to another image."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from cim.curation.duplicates import near_duplicates
from cim.curation.given import with_scores
from cim.curation.reasons import Drop
from cim.curation.reassign import reassign
from cim.curation.texts import folded, text_reason
from cim.curation.vectors import Rows, products
from cim.encoders.scorer import Scorer
from cim.errors import CimError
from cim.params.curate import Buckets, Curate, Keep, TableScore

IMAGE = ("part", "at")
"""What names an image of the corpus."""
_OPEN = pl.col("reason").is_null()


@dataclass(frozen=True)
class Corpus:
    """All that was measured. rows: `MEASURED` and `part`, the number of each row's part, in order.

    image_row and caption_row count on from part to part.
    """

    rows: pl.DataFrame
    images: Rows
    captions: Rows


@dataclass(frozen=True)
class Decision:
    """rows: those of the corpus with what becomes of them. edges: the scores at which levels above the first begin.

    reason: null for those kept. duplicate_of, reassigned_to: `row` of the image, the first of its rows. level, control:
    how well a kept pair fits.
    """

    rows: pl.DataFrame
    edges: tuple[float, ...] = ()


def decide(corpus: Corpus, params: Curate, scorer: Scorer | None = None, given: pl.DataFrame | None = None) -> Decision:
    """What becomes of every pair. scorer: of kind learned. given: scores of kind table, by `cim.curation.given`.

    Raises CimError where no sample has the source_field that is asked for, and for scores of other captions.
    """
    rows = _with_sources(corpus.rows, params).with_row_index("row")
    if params.score is None:
        rows = rows.with_columns(score=pl.lit(None, pl.Float64))
    if isinstance(params.score, TableScore) and given is not None:
        rows = with_scores(rows, given, params.score.path)
    rows = _because(rows, text_reason(params.text))
    if (most := params.text.max_images) is not None:
        many = pl.struct(IMAGE).n_unique().over(folded()) > most
        rows = _dropped(rows, Drop.REPEATED_TEXT, many & pl.col("caption").is_not_null())
    rows = _dropped(_with_duplicates(rows, corpus, params), Drop.DUPLICATE, pl.col("duplicate_of").is_not_null())
    if params.nsfw is not None and params.nsfw.threshold is not None:
        rows = _dropped(rows, Drop.NSFW, pl.col("nsfw") > params.nsfw.threshold)
        rows = rows.with_columns(barred=pl.col("barred") | (pl.col("nsfw") > params.nsfw.threshold))
    if scorer is not None:
        rows = _learned(rows, corpus, scorer)
    if params.keep is not None:
        rows = _dropped(rows, Drop.UNSCORED, pl.col("score").is_null())
        rows = _dropped(rows, Drop.LOW_SCORE, ~_stays(params.keep))
    rows = _reassigned(rows, corpus, params, scorer)
    return _with_levels(rows.drop("barred"), params.buckets)


def _with_sources(rows: pl.DataFrame, params: Curate) -> pl.DataFrame:
    if params.source_field is not None and len(rows) and rows["source"].is_null().all():
        raise CimError(
            f"no sample with a field {params.source_field!r} in its JSON, or a column of that name",
            "the field that names each sample's source",
            "mend curate.source_field, or leave it out: each entry of curate.corpus is a source then",
        )
    return rows.with_columns(pl.col("source").fill_null("unknown"))


def _because(rows: pl.DataFrame, reason: pl.Expr) -> pl.DataFrame:
    return rows.with_columns(reason=pl.coalesce("reason", reason))


def _dropped(rows: pl.DataFrame, reason: Drop, where: pl.Expr) -> pl.DataFrame:
    return _because(rows, pl.when(where.fill_null(False)).then(pl.lit(reason.value)))


def _with_duplicates(rows: pl.DataFrame, corpus: Corpus, params: Curate) -> pl.DataFrame:
    """With the columns duplicate_of and barred, images that no text may move to."""
    if params.duplicates is None:
        return rows.with_columns(duplicate_of=pl.lit(None, pl.UInt32), barred=pl.col("hash").is_null())
    images = rows.filter(pl.col("hash").is_not_null()).unique(IMAGE, keep="first", maintain_order=True)
    vectors = corpus.images.take(images["image_row"].fill_null(0).to_numpy()) if params.encoders else None
    order = images.select(pl.arg_sort_by("pixels", "row", descending=[True, False])).to_series().to_numpy()
    nothing = np.empty((len(images), 0), dtype=np.float16)
    hashes = images["hash"].to_numpy()
    repeats = near_duplicates(
        params.duplicates, hashes, nothing if vectors is None else vectors, order.astype(np.int64)
    )
    first = images["row"].to_numpy()
    named = pl.Series("duplicate_of", [int(first[one]) if one >= 0 else None for one in repeats], pl.UInt32)
    rows = rows.join(images.select(*IMAGE).with_columns(named), IMAGE, how="left", maintain_order="left")
    return rows.with_columns(barred=pl.col("hash").is_null() | pl.col("duplicate_of").is_not_null())


def _learned(rows: pl.DataFrame, corpus: Corpus, scorer: Scorer) -> pl.DataFrame:
    scored = rows.filter(pl.col("caption_row").is_not_null())
    texts = scorer.queries(corpus.captions.take(scored["caption_row"].to_numpy()))
    chances = scorer.chance(products(corpus.images.take(scored["image_row"].to_numpy()), texts))
    found = pl.DataFrame({"row": scored["row"], "score": pl.Series(chances).fill_nan(None)})
    return rows.drop("score").join(found, "row", how="left", maintain_order="left")


def _stays(keep: Keep) -> pl.Expr:
    """Of rows without a reason: whether the score is enough. Of equal scores the earlier row comes first."""
    if keep.threshold is not None:
        return pl.col("score") >= keep.threshold
    rank = pl.when(_OPEN).then("score").rank("ordinal", descending=True).over("source")
    return rank <= (pl.lit(keep.best_share) * _OPEN.sum().over("source")).ceil()


def _reassigned(rows: pl.DataFrame, corpus: Corpus, params: Curate, scorer: Scorer | None) -> pl.DataFrame:
    rows = rows.with_columns(reassigned_to=pl.lit(None, pl.UInt32))
    if params.reassign is None:
        return rows
    lowest = params.reassign.min_score
    least = pl.lit(lowest) if lowest is not None else pl.col("score").filter(_OPEN).min().over("source")
    rows = rows.with_columns(least=least)
    images = rows.with_columns(kept=_OPEN.any().over(IMAGE)).filter(~pl.col("kept") & ~pl.col("barred"))
    images = images.unique(IMAGE, keep="first", maintain_order=True)
    low = pl.col("reason") == Drop.LOW_SCORE.value
    texts = rows.filter((_OPEN | low) & pl.col("caption_row").is_not_null())
    vectors = corpus.captions.take(texts["caption_row"].to_numpy())
    text, image, score = reassign(
        corpus.images.take(images["image_row"].to_numpy()),
        vectors if scorer is None else scorer.queries(vectors),
        texts.select(low.fill_null(False)).to_series().to_numpy(),
        params.reassign.cycle,
    )
    found = pl.DataFrame(
        {
            "row": texts["row"].gather(text),
            "reassigned_to": images["row"].gather(image),
            "new": (score if scorer is None else scorer.chance(score)).astype(np.float64),
        }
    )
    rows = rows.drop("reassigned_to").join(found, "row", how="left", maintain_order="left")
    moved = (pl.col("new") >= pl.col("least")).fill_null(False)
    return rows.with_columns(
        reason=pl.when(~moved).then("reason"),
        score=pl.when(moved).then("new").otherwise("score"),
        reassigned_to=pl.when(moved).then("reassigned_to"),
    ).drop("new", "least")


def _with_levels(rows: pl.DataFrame, buckets: Buckets | None) -> Decision:
    kept = rows.filter(_OPEN & pl.col("score").is_not_null())["score"].to_numpy()
    if buckets is None or not len(kept):
        return Decision(rows.with_columns(level=pl.lit(None, pl.Int64), control=pl.lit(None, pl.String)))
    edges = buckets.edges or np.quantile(kept, np.arange(1, buckets.count) / buckets.count).tolist()
    level = sum((pl.col("score") >= edge).cast(pl.Int64) for edge in edges) + 1
    rows = rows.with_columns(level=pl.when(_OPEN & pl.col("score").is_not_null()).then(level))
    before, _, behind = buckets.token.partition("{}")
    token = pl.concat_str(pl.lit(before), pl.col("level").cast(pl.String), pl.lit(behind))
    return Decision(rows.with_columns(control=token), tuple(float(edge) for edge in edges))
