#include "service/deletion.h"
#include "service/export.h"
#include "service/feedback.h"
#include "service/feedback_wanted.h"
#include "service/history.h"
#include "service/importing.h"
#include "service/latest_import.h"
#include "service/listeners.h"
#include "service/monitoring.h"
#include "service/playing.h"
#include "service/session.h"
#include "service/social.h"
#include "service/statistics.h"
#include "service/submission.h"

/* A new endpoint is a row here. */
const struct http_route service_routes[] = {
    {HTTP_POST, "/1/submit-listens", submission_post, NULL},
    {HTTP_POST, "/1/playing-now/delete", playing_clear_post, NULL},
    {HTTP_POST, "/1/delete-listen", deletion_post, NULL},
    {HTTP_GET, "/1/export-listens", export_get, NULL},
    {HTTP_GET, "/1/latest-import", latest_import_get, NULL},
    {HTTP_POST, "/1/latest-import", latest_import_post, NULL},
    {HTTP_POST | HTTP_UPLOAD, "/1/import-listens", importing_post, NULL},
    {HTTP_GET, "/1/import-listens", importing_get_list, NULL},
    {HTTP_GET, "/1/import-listens/list", importing_get_list, NULL},
    {HTTP_GET, "/1/import-listens/{id}", importing_get, NULL},
    {HTTP_POST, "/1/import-listens/cancel/{id}", importing_cancel_post, NULL},
    {HTTP_GET, "/1/validate-token", session_validate_token, NULL},
    {HTTP_GET, "/1/user/{name}/listens", history_get_listens, NULL},
    {HTTP_GET, "/1/user/{name}/listen-count", history_get_count, NULL},
    {HTTP_GET, "/1/user/{name}/playing-now", playing_get, NULL},
    {HTTP_POST, "/1/feedback/recording-feedback", feedback_post, NULL},
    {HTTP_GET, "/1/feedback/user/{name}/get-feedback", feedback_get_of_user, NULL},
    {HTTP_GET | HTTP_POST, "/1/feedback/user/{name}/get-feedback-for-recordings",
     feedback_get_for_recordings, NULL},
    {HTTP_GET, "/1/feedback/recording/{msid}/get-feedback",
     feedback_get_of_recording, feedback_by_msid},
    {HTTP_GET, "/1/feedback/recording/{mbid}/get-feedback-mbid",
     feedback_get_of_recording, feedback_by_mbid},
    {HTTP_POST, "/1/user/{name}/follow", social_follow, NULL},
    {HTTP_POST, "/1/user/{name}/unfollow", social_unfollow, NULL},
    {HTTP_GET, "/1/user/{name}/followers", social_get_followers, NULL},
    {HTTP_GET, "/1/user/{name}/following", social_get_following, NULL},
    {HTTP_GET, "/1/search/users", social_search, NULL},
    {HTTP_GET, "/1/user/{name}/similar-users", social_get_similar, NULL},
    {HTTP_GET, "/1/user/{name}/services", social_get_services, NULL},
    {HTTP_GET, "/1/stats/user/{name}/artists", statistics_get_list,
     &statistics_lists[STATISTICS_ARTISTS]},
    {HTTP_GET, "/1/stats/user/{name}/releases", statistics_get_list,
     &statistics_lists[STATISTICS_RELEASES]},
    {HTTP_GET, "/1/stats/user/{name}/recordings", statistics_get_list,
     &statistics_lists[STATISTICS_RECORDINGS]},
    {HTTP_GET, "/1/stats/user/{name}/sessions", statistics_get_list,
     &statistics_lists[STATISTICS_SESSIONS]},
    {HTTP_GET, "/1/stats/user/{name}/streaks", statistics_get_list,
     &statistics_lists[STATISTICS_STREAKS]},
    {HTTP_GET, "/1/stats/user/{name}/discoveries", statistics_get_list,
     &statistics_lists[STATISTICS_DISCOVERIES]},
    {HTTP_GET, "/1/stats/user/{name}/changes", statistics_get_list,
     &statistics_lists[STATISTICS_CHANGES]},
    {HTTP_GET, "/1/stats/user/{name}/on-this-day", statistics_get_list,
     &statistics_lists[STATISTICS_ON_THIS_DAY]},
    {HTTP_GET, "/1/stats/sitewide/artists", statistics_get_site_list,
     &statistics_lists[STATISTICS_ARTISTS]},
    {HTTP_GET, "/1/stats/sitewide/releases", statistics_get_site_list,
     &statistics_lists[STATISTICS_RELEASES]},
    {HTTP_GET, "/1/stats/sitewide/release-groups", statistics_get_site_list,
     &statistics_lists[STATISTICS_RELEASE_GROUPS]},
    {HTTP_GET, "/1/stats/sitewide/recordings", statistics_get_site_list,
     &statistics_lists[STATISTICS_RECORDINGS]},
    {HTTP_GET, "/1/stats/sitewide/listening-activity", statistics_get_site_list,
     &statistics_lists[STATISTICS_LISTENING_ACTIVITY]},
    {HTTP_GET, "/1/stats/sitewide/daily-activity", statistics_get_site_list,
     &statistics_lists[STATISTICS_DAILY_ACTIVITY]},
    {HTTP_GET, "/1/stats/sitewide/artist-activity", statistics_get_site_list,
     &statistics_lists[STATISTICS_ARTIST_ACTIVITY]},
    {HTTP_GET, "/1/stats/sitewide/artist-evolution-activity", statistics_get_site_list,
     &statistics_lists[STATISTICS_ARTIST_EVOLUTION]},
    {HTTP_GET, "/1/stats/sitewide/genre-activity", statistics_get_site_list,
     &statistics_lists[STATISTICS_GENRE_ACTIVITY]},
    {HTTP_GET, "/1/stats/artist/{mbid}/listeners", listeners_get, &listeners_of_artist},
    {HTTP_GET, "/1/stats/release/{mbid}/listeners", listeners_get, &listeners_of_release},
    {HTTP_GET, "/1/stats/release-group/{mbid}/listeners", listeners_get,
     &listeners_of_release_group},
    {HTTP_GET, "/1/user/{name}/top/artists", statistics_get_list,
     &statistics_lists[STATISTICS_TOP_ARTISTS]},
    {HTTP_GET, "/1/user/{name}/top/genres", statistics_get_list,
     &statistics_lists[STATISTICS_TOP_GENRES]},
    {HTTP_GET, "/1/user/{name}/top/tracks", statistics_get_list,
     &statistics_lists[STATISTICS_TOP_TRACKS]},
    {HTTP_GET, "/1/cache/metrics", monitoring_get_cache, NULL},
    {HTTP_GET, "/healthz", monitoring_get_health, NULL},
    {HTTP_GET, "/readyz", monitoring_get_readiness, NULL},
    {HTTP_GET, "/metrics", monitoring_get_metrics, NULL},
};

const size_t service_routes_count = sizeof service_routes / sizeof *service_routes;
