//! The contract of a store, run over SQLite and over a real MongoDB replica set.
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
    kept::the_first_is_kept_a_retry_finds_it_another_is_turned_away
    kept::of_fifty_at_once_one_is_new
    kept::different_ones_at_once_are_all_kept
    kept::lists_are_in_the_order_of_arrival
    kept::everything_comes_back_as_it_was
    kept::a_question_added_or_removed_leaves_the_other_answers
    kept::count_totals_and_list_agree
    kept::days_are_selected_from_their_start_to_their_end
    kept::a_list_that_is_given_up_stops
    kept::receipts_are_found_by_their_number
    kept::campaigns_do_not_see_each_other
    kept::reopening_keeps_everything
    keeping::the_words_are_kept_once_and_named_by_each
    keeping::a_photo_is_erased_and_its_registration_goes_on
    keeping::a_photo_that_is_still_to_be_removed_outlives_its_registration
    keeping::who_was_erased_is_listed_page_by_page
    keeping::links_and_counts_that_are_over_are_swept
    amend::a_correction_keeps_what_was_before
    amend::a_corrected_value_is_listed_and_counted_where_it_is
    amend::an_answer_that_is_no_longer_asked_for_outlives_a_correction
    amend::of_those_who_amend_at_once_one_is_first
    amend::a_new_document_is_the_registrations_alone
    amend::an_identity_that_many_want_at_once_goes_to_one
    amend::the_feed_tells_corrections_and_deletions
    delete::a_deleted_one_does_not_come_back
    delete::nothing_of_the_person_stays
    delete::a_photo_is_noted_until_it_is_removed
    mixed::totals_are_exact_whatever_is_done_in_whatever_order
    mixed::totals_are_exact_while_many_amend_at_once
    pending::a_photo_waits_once_and_comes_back_whole
    pending::of_those_who_remove_a_photo_one_is_told_so
    pending::photos_that_wait_are_listed_page_by_page
    pending::one_holds_a_lease_until_it_ends_or_is_given_up
    pending::of_many_who_take_a_lease_at_once_one_has_it
    closing::a_campaign_is_closed_once_until_it_is_opened_again
    closing::of_many_who_close_at_once_one_does
    staff::an_address_has_one_account
    staff::an_account_comes_back_as_it_was
    staff::of_many_changes_at_once_one_is_taken
    staff::accounts_are_found_by_id_address_and_link
    staff::a_session_that_was_removed_stays_away
    staff::sessions_are_listed_and_swept
    staff::tokens_are_known_by_their_hash_until_revoked
    jobs::a_job_comes_back_as_it_was
    jobs::of_many_who_begin_a_job_one_does
    jobs::the_earliest_is_begun_first
    jobs::a_silent_holder_is_followed_by_another_and_counts_no_more
    jobs::a_silent_holder_is_noticed_before_another_has_time
    jobs::a_job_that_is_lost_too_often_has_failed
    jobs::a_failure_is_tried_again_and_what_is_given_back_is_not_counted
    jobs::a_cancelled_job_is_nobodys
    jobs::a_file_is_found_by_the_same_words_and_shared
    jobs::what_ended_long_ago_is_listed_and_forgotten
    audit::many_writers_make_one_unbroken_chain
    audit::a_writer_that_dies_half_way_harms_nothing
    audit::a_place_in_the_chain_has_one_entry
    audit::entries_are_filtered_and_paged_from_the_newest_on
    audit::a_changed_entry_is_named
    audit::a_removed_entry_is_named_and_a_cut_end_by_a_head_of_before
    audit::moved_and_inserted_entries_are_named
    audit::a_chain_that_was_rewritten_is_not_the_one_that_was_noted
    audit::an_entry_that_is_not_taken_is_an_error
    vault::of_many_who_make_a_key_at_once_all_use_one
    vault::a_key_is_wrapped_anew_once
    feed::each_addition_comes_once_and_in_order
    feed::it_goes_on_from_every_position
    feed::it_goes_on_from_a_snapshot
    feed::a_snapshot_while_people_register_misses_and_doubles_nothing
    feed::a_call_that_is_given_up_loses_nothing
    feed::it_waits_for_the_first_change
    feed::another_instance_is_heard
    feed::many_changes_come_in_bounded_answers
    feed::a_position_that_never_was_is_lost
    search::names_are_found_by_their_beginning
    search::one_is_found_by_what_it_goes_by
    search::what_is_corrected_is_found_as_it_is_and_what_is_deleted_is_not
    search::pages_stay_while_rows_come_change_and_go
    search::every_combination_finds_what_a_look_at_all_finds
    counted::registrations_are_counted_by_day_and_value
    counted::refusals_add_up_from_a_day_on
    counted::an_overview_is_counted_once_for_all
    counted::an_overview_is_counted_before_anybody_looks
}
