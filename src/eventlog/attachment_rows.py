"""The statements of `eventlog/attachments.py`; every one stands alone, and says why it is so."""

from typing import Final

_KEPT: Final = """
    SELECT id::text, state, client, media_type, size, encode(sha256, 'hex'), uploaded_at,
           case_id::text
    FROM attachment
"""
# By the unique key (client, key). Uploads that begin at the same moment do not see each other.
LOOSE: Final = """
    SELECT count(*), coalesce(sum(size), 0)::bigint, coalesce(bool_or(key = %s), false)
    FROM attachment WHERE client = %s AND state IN ('arriving', 'waiting', 'claimed')
"""
BEGIN: Final = "INSERT INTO attachment (id, client, uploaded_at) VALUES (%s, %s, %s)"
# The unique key (client, key) makes two uploads of one request one file.
FINISH: Final = """
    UPDATE attachment SET state = 'waiting', key = %s, media_type = %s, size = %s, sha256 = %b,
                          wrapped = %b
    WHERE id = %s AND state = 'arriving' RETURNING true
"""
DISCARD: Final = "DELETE FROM attachment WHERE id = %s AND state IN ('arriving', 'going')"
FOUND: Final = f"{_KEPT} WHERE id = ANY(%s::uuid[]) AND state NOT IN ('arriving', 'going')"
KEPT_UNDER: Final = f"{_KEPT} WHERE client = %s AND key = %s AND state <> 'arriving'"
# Locked in one order, so that two who want the same files take turns. Whoever waited here sees
# what the other did: the sweeper's 'going' and another's claim are not ours to take.
HOLD: Final = """
    SELECT id::text, wrapped FROM attachment
    WHERE id = ANY(%s::uuid[])
      AND (state = 'waiting' OR (state = 'claimed' AND claim = %s AND case_id = %s))
    ORDER BY id FOR UPDATE
"""
CLAIM: Final = """
    UPDATE attachment SET state = 'claimed', case_id = %s, subject = %s, bound = %b, claim = %s,
                          claimed_at = %s
    WHERE id = %s
"""
_FREE: Final = """
    UPDATE attachment SET state = 'waiting', case_id = NULL, subject = NULL, bound = NULL,
                          claim = NULL, claimed_at = NULL
"""
RELEASE: Final = f"{_FREE} WHERE claim = %s AND state = 'claimed'"
# Its append has failed, or it would be 'attached': both are one transaction.
STALE: Final = f"{_FREE} WHERE state = 'claimed' AND claimed_at < %s"
OPENED: Final = """
    SELECT subject, bound, size FROM attachment
    WHERE id = %s AND case_id = %s AND state = 'attached'
"""
READ: Final = """
    INSERT INTO attachment_read (read_at, attachment_id, case_id, client, role, unit, first_byte,
                                 last_byte)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
# From here on nobody can claim it, and what is deleted next is nobody's.
EXPIRE: Final = """
    UPDATE attachment SET state = 'going'
    WHERE state IN ('arriving', 'waiting') AND uploaded_at < %s
"""
GOING: Final = "SELECT id::text FROM attachment WHERE state = 'going' LIMIT 500"
GONE: Final = "DELETE FROM attachment WHERE id = ANY(%s::uuid[]) AND state = 'going'"
# The subject's key is destroyed: nobody can read these any more, so nobody keeps them.
ERASED: Final = """
    SELECT a.id::text FROM subject_key k
    JOIN attachment a ON a.case_id = k.stream_id AND a.subject = k.subject
    WHERE k.wrapped IS NULL AND a.state = 'attached' AND a.bound IS NOT NULL LIMIT 500
"""
FORGET: Final = "UPDATE attachment SET bound = NULL WHERE id = ANY(%s::uuid[])"
