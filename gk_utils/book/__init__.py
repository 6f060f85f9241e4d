"""The web book: every lesson, the claims ledger, glossary, concept map and API as pages, and the grounder in the page.

    python -m gk_utils.book

Nothing is loaded from elsewhere: neither by the build nor by the pages.
"""
