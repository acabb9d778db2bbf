import polars as pl

from cim.tuning.curves import curves


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
