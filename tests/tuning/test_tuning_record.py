import polars as pl

from cim.params import Alarms, Reward, Tune
from cim.tuning.record import alarm_record, alarm_table, curves

PARAMS = Tune(
    reward=Reward(), steps=30, prompts_per_step=1, max_new_tokens=1, learning_rate=1.0, validate_every=10,
    alarms=Alarms(zero_variance=None, length_drift=None, divergence=None), stop_on=["clipped"],
)  # fmt: skip


def test_record_and_table_say_what_was_watched_and_found() -> None:
    checks = [{"step": 10, "clipped": 0.3, "repetition": None}, {"step": 20, "clipped": 0.1, "repetition": None}]
    alarm = {"alarm": "clipped", "step": 10, "last_step": 10, "found": "share cut 0.3", "remedy": "more tokens"}
    record = alarm_record(PARAMS, checks, [alarm], "alarm clipped")
    assert record["limits"] == {"clipped": 0.2, "repetition": 0.2}
    assert (record["every"], record["stop_on"], record["stop_reason"]) == (10, ["clipped"], "alarm clipped")
    table = alarm_table(record).splitlines()
    assert "| clipped | 0.2 | 0.1 | 0.3 | 10 to 10 |" in table
    assert "| repetition | 0.2 |  |  | none |" in table  # never read
    assert "Training ended: alarm clipped." in table
    assert table[-1] == "- step 10: **clipped**, share cut 0.3. Try: more tokens"


def test_steps_and_validations_meet_in_one_table() -> None:
    log = [{"step": 1, "reward": 0.5, "rewards/grc/mean": 0.3, "loss": 0.0}, {"step": 2, "reward": 0.7}]
    table = curves(log, [{"step": 0, "self_retrieval": 0.1}, {"step": 2.0, "self_retrieval": 0.2}])
    # Step 0 was validated, not trained; step 1 trained, not validated; kl was never logged.
    assert table["step"].to_list() == [0, 1, 2]
    assert table["reward"].to_list() == [None, 0.5, 0.7]
    assert table["grc"].to_list() == [None, 0.3, None]
    assert table["kl"].null_count() == 3
    assert table["validation_self_retrieval"].to_list() == [0.1, None, 0.2]
    assert table.schema["kl"] == pl.Float64


def test_terms_that_are_named_have_columns_of_their_own() -> None:
    log = [{"step": 1, "reward": 0.5, "rewards/bags/mean": 0.25, "rewards/bags/unscorable_share": 0.5}]
    table = curves(log, [], ["bags"])
    assert table.select("term_bags", "term_bags_unscorable_share").rows() == [(0.25, 0.5)]
    assert [name for name in curves(log, []).columns if name.startswith("term_")] == []
