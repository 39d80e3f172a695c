"""One account of all bytes that are stored for visitors."""

import pytest

from jobs.storage_account import StorageAccount, StorageFull


def test_an_owner_has_a_share_and_all_together_a_limit():
    account = StorageAccount(most=100, most_of_owner=60)
    account.take("ann", 60)
    with pytest.raises(StorageFull) as full:
        account.take("ann", 1)
    assert full.value.of == "owner"
    account.take("bob", 40)
    with pytest.raises(StorageFull) as full:
        account.take("cay", 1)
    assert full.value.of == "all"
    assert (account.total, account.of("ann"), account.of("bob"), account.of("cay")) == (100, 60, 40, 0)


def test_what_is_given_back_can_be_taken_again_and_nobody_is_remembered_for_nothing():
    account = StorageAccount(most=100, most_of_owner=100)
    account.take("ann", 100)
    account.give_back("ann", 30)
    account.take("bob", 30)
    account.give_back("bob", 30)
    account.give_back("ann", 70)
    assert account.total == 0
    assert not account._stored


def test_what_is_stored_already_counts_even_where_there_is_no_room_for_it():
    account = StorageAccount(most=10, most_of_owner=10)
    account.correct("ann", 50)
    with pytest.raises(StorageFull):
        account.take("bob", 1)
    account.correct("ann", -50)
    account.take("bob", 1)
