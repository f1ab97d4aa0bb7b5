"""What a browser may load and run for the page: our own scripts, and nothing that stands in the page or elsewhere.

Bokeh puts `<style>` elements into its charts, and offers no nonce for them, so styles may be inline; its icons are
`data:` addresses, and a chart that is saved as a picture is a `blob:`.  It evaluates no text unless a chart asks for
it, so scripts need neither 'unsafe-inline' nor 'unsafe-eval'.
"""

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
