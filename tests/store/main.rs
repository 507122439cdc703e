//! Contract of the store, checked on SQLite and on a real MongoDB replica set.
#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

mod amend;
mod audit;
mod bed;
mod broken;
mod closing;
mod counted;
mod delete;
mod feed;
mod jobs;
mod keeping;
mod kept;
mod mixed;
mod pending;
#[path = "../support/proxy.rs"]
mod proxy;
mod search;
#[path = "../support/servers.rs"]
mod servers;
mod staff;
mod vault;

/// Runs each case on a fresh store of both kinds.
macro_rules! contract {
    ($($module:ident::$case:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let bed = crate::bed::Bed::sqlite().await;
                crate::$module::$case(&bed).await;
                bed.remove().await;
            })*
        }
        mod mongodb {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let bed = crate::bed::Bed::mongodb().await;
                crate::$module::$case(&bed).await;
                bed.remove().await;
            })*
        }
    };
}

contract! {
    kept::the_first_is_inserted_a_retry_is_recognised_a_conflict_is_rejected
    kept::one_of_fifty_concurrent_inserts_is_new
    kept::concurrent_different_registrations_are_all_stored
    kept::lists_are_in_the_order_of_arrival
    kept::registrations_are_read_back_unchanged
    kept::a_field_added_or_removed_leaves_the_other_answers
    kept::count_totals_and_list_agree
    kept::a_period_includes_its_start_and_excludes_its_end
    kept::a_dropped_list_stops
    kept::receipts_are_found_by_their_number
    kept::campaigns_are_separate
    kept::reopening_preserves_everything
    keeping::a_consent_text_is_stored_once_and_named_by_registrations
    keeping::a_photo_is_erased_and_its_registration_remains
    keeping::a_pending_deletion_outlives_its_registration
    keeping::deleted_registrations_are_listed_page_by_page
    keeping::expired_links_and_counts_are_deleted
    amend::a_correction_records_the_previous_answers
    amend::a_corrected_value_is_listed_and_counted_under_the_new_value
    amend::an_answer_to_a_removed_field_survives_a_correction
    amend::one_of_many_concurrent_updates_wins
    amend::an_alias_belongs_to_one_registration
    amend::an_id_requested_by_many_at_once_goes_to_one
    amend::the_feed_reports_corrections_and_deletions
    delete::a_deleted_registration_does_not_come_back
    delete::no_personal_data_remains
    delete::a_photo_is_pending_until_it_is_deleted
    mixed::totals_are_exact_after_any_sequence_of_operations
    mixed::totals_are_exact_under_concurrent_updates
    pending::a_photo_is_buffered_once_and_read_back_unchanged
    pending::one_of_many_concurrent_removals_returns_true
    pending::buffered_photos_are_listed_page_by_page
    pending::a_lease_is_exclusive_until_it_expires_or_is_released
    pending::one_of_many_concurrent_acquisitions_gets_the_lease
    closing::a_campaign_is_closed_once_until_it_is_reopened
    closing::one_of_many_concurrent_closures_wins
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
    vault::concurrent_creators_of_a_key_all_use_one
    vault::a_key_is_rewrapped_once
    feed::each_insert_is_returned_once_and_in_order
    feed::it_continues_from_every_position
    feed::it_continues_from_a_snapshot
    feed::a_snapshot_while_people_register_misses_and_duplicates_nothing
    feed::a_cancelled_call_loses_nothing
    feed::it_waits_for_the_first_change
    feed::changes_of_another_instance_are_returned
    feed::many_changes_come_in_bounded_batches
    feed::a_position_that_never_existed_is_lost
    search::names_are_found_by_prefix
    search::one_is_found_by_id_and_receipt
    search::corrected_registrations_are_found_and_deleted_ones_are_not
    search::pages_stay_while_rows_come_change_and_go
    search::names_that_were_not_kept_are_filled_in
    search::every_combination_finds_what_a_look_at_all_finds
    counted::registrations_are_counted_by_day_and_value
    counted::rejections_add_up_since_a_day
    counted::an_overview_is_computed_once_for_concurrent_callers
    counted::an_overview_is_computed_ahead_of_requests
}
