//! Contract of the store, checked on SQLite and on a real MongoDB replica set.
#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

mod audit;
mod batcher;
mod batches;
mod buffer;
mod corrections;
mod dead_letters;
mod deletions;
mod disputes;
mod early_closures;
mod elections;
mod exactness;
mod feed;
mod fixture;
mod insert;
mod interrupted;
mod jobs;
mod mixed;
mod mongod;
mod outages;
mod restored;
mod retention;
mod search;
mod search_words;
mod staff;
mod statistics;
mod vote_list;
mod votes;
mod wrapped_keys;

/// Runs each case on a fresh store of both kinds.
macro_rules! contract {
    ($($module:ident::$case:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let fixture = crate::fixture::StoreFixture::sqlite().await;
                crate::$module::$case(&fixture).await;
                fixture.remove().await;
            })*
        }
        mod mongodb {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let fixture = crate::fixture::StoreFixture::mongodb().await;
                crate::$module::$case(&fixture).await;
                fixture.remove().await;
            })*
        }
    };
}

contract! {
    votes::a_vote_is_inserted_once
    votes::instances_insert_each_vote_once
    votes::votes_are_read_page_by_page_and_by_number
    votes::erased_votes_are_no_longer_counted
    vote_list::every_filter_lists_what_a_full_scan_finds
    vote_list::pages_of_votes_are_stable_while_votes_arrive
    vote_list::a_vote_is_shown_with_its_way
    dead_letters::a_dead_letter_is_kept_once_and_read_back_unchanged
    dead_letters::dead_letters_are_listed_page_by_page_newest_first
    dead_letters::one_of_many_concurrent_deletions_of_a_dead_letter_wins
    insert::the_first_is_inserted_a_retry_is_recognised_a_conflict_is_rejected
    insert::one_of_fifty_concurrent_inserts_is_new
    insert::concurrent_different_registrations_are_all_stored
    insert::lists_are_in_the_order_of_arrival
    insert::registrations_are_read_back_unchanged
    insert::a_field_added_or_removed_leaves_the_other_answers
    insert::count_totals_and_list_agree
    insert::a_period_includes_its_start_and_excludes_its_end
    insert::a_dropped_list_stops
    insert::receipts_are_found_by_their_number
    insert::campaigns_are_separate
    insert::reopening_preserves_everything
    batches::a_batch_returns_an_outcome_for_each_record
    batches::a_batch_may_be_empty_or_large
    batches::batches_of_several_instances_insert_each_id_once
    batches::a_refused_record_fails_alone
    batches::corrections_and_deletions_change_the_counts
    batcher::what_waits_is_one_batch
    batcher::registrations_beyond_the_bound_are_rejected
    batcher::a_caller_that_stops_waiting_stops_nothing
    batcher::two_instances_insert_each_id_once
    retention::a_consent_text_is_stored_once_and_named_by_registrations
    retention::a_photo_is_erased_and_its_registration_remains
    retention::a_pending_deletion_outlives_its_registration
    retention::deleted_registrations_are_listed_page_by_page
    retention::expired_links_and_counts_are_deleted
    retention::ranges_of_unresolved_photos_are_replaced_and_expire
    corrections::a_correction_records_the_previous_answers
    corrections::a_corrected_value_is_listed_and_counted_under_the_new_value
    corrections::an_answer_to_a_removed_field_survives_a_correction
    corrections::one_of_many_concurrent_updates_wins
    corrections::an_alias_belongs_to_one_registration
    corrections::an_id_requested_by_many_at_once_goes_to_one
    corrections::the_feed_reports_corrections_and_deletions
    deletions::a_deleted_registration_does_not_come_back
    deletions::no_personal_data_remains
    deletions::a_false_entry_frees_its_number_but_not_its_content
    deletions::a_lifted_deletion_frees_number_and_aliases
    deletions::a_photo_is_pending_until_it_is_deleted
    disputes::a_dispute_is_kept_apart_and_read_back_unchanged
    disputes::a_number_has_few_disputes_at_once
    disputes::a_dispute_that_ends_leaves_its_state_alone
    disputes::a_dispute_that_is_being_kept_does_not_end
    disputes::the_photo_of_a_dispute_expires_before_it
    disputes::an_alias_may_await_its_registration
    mixed::totals_are_exact_after_any_sequence_of_operations
    mixed::totals_are_exact_under_concurrent_updates
    buffer::a_photo_is_buffered_once_and_read_back_unchanged
    buffer::one_of_many_concurrent_removals_returns_true
    buffer::all_attempts_of_a_registration_are_removed
    buffer::buffered_photos_are_listed_page_by_page
    buffer::a_lease_is_exclusive_until_it_expires_or_is_released
    buffer::one_of_many_concurrent_acquisitions_gets_the_lease
    early_closures::a_campaign_is_closed_once_until_it_is_reopened
    early_closures::one_of_many_concurrent_closures_wins
    staff::an_address_has_one_account
    staff::an_account_is_read_back_unchanged
    staff::one_of_many_concurrent_changes_wins
    staff::accounts_are_found_by_id_address_and_link
    staff::a_removed_session_does_not_come_back
    staff::sessions_are_listed_and_deleted_when_expired
    staff::tokens_are_found_by_hash_and_revoked_once
    jobs::a_job_is_read_back_unchanged
    jobs::one_of_many_concurrent_workers_claims_a_job
    jobs::the_earliest_job_is_claimed_first
    jobs::a_stalled_job_is_claimed_again_and_its_old_lease_is_rejected
    jobs::a_stalled_job_is_queued_again_before_a_worker_is_free
    jobs::a_job_that_stalls_too_often_has_failed
    jobs::a_failure_is_retried_and_a_release_is_not_counted
    jobs::a_cancelled_job_cannot_be_claimed
    jobs::a_file_is_found_by_an_equal_request_and_shared
    jobs::old_jobs_are_listed_and_deleted
    audit::many_writers_make_one_unbroken_chain
    audit::a_writer_that_dies_midway_does_no_harm
    audit::a_sequence_number_has_one_entry
    audit::entries_are_filtered_and_paged_newest_first
    audit::a_changed_entry_is_found
    audit::a_removed_entry_is_found_and_a_truncated_end_with_an_earlier_head
    audit::moved_and_inserted_entries_are_found
    audit::a_rewritten_chain_does_not_match_an_earlier_head
    audit::a_rejected_entry_is_an_error
    wrapped_keys::concurrent_creators_of_a_key_all_use_one
    wrapped_keys::a_key_is_rewrapped_once
    feed::each_insert_is_returned_once_and_in_order
    feed::it_continues_from_every_position
    feed::it_continues_from_a_snapshot
    feed::a_snapshot_while_people_register_misses_and_duplicates_nothing
    feed::a_cancelled_call_loses_nothing
    feed::it_waits_for_the_first_change
    feed::changes_of_another_instance_are_returned
    feed::many_changes_come_in_bounded_batches
    feed::a_position_that_never_existed_is_lost
    restored::an_unreadable_delta_is_lost_and_a_snapshot_goes_past_it
    restored::large_deltas_come_in_bounded_batches_and_the_last_is_complete
    restored::a_snapshot_of_no_campaign_has_a_position
    search::names_are_found_by_prefix
    search_words::names_are_found_by_any_word
    search::one_is_found_by_id_and_receipt
    search::corrected_registrations_are_found_and_deleted_ones_are_not
    search::pages_are_stable_while_rows_change
    search::every_combination_finds_what_a_full_scan_finds
    statistics::registrations_are_counted_by_day_and_value
    statistics::rejections_add_up_since_a_day
    statistics::an_overview_is_computed_once_for_concurrent_callers
    statistics::an_old_overview_is_computed_anew_before_it_is_shown
    statistics::an_overview_is_computed_ahead_of_requests
}
