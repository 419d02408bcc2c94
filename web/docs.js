// The API's document, to read and to try: Swagger's own page, told where the document is.

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#document",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  validatorUrl: null,
  // A page that is signed in is known by its cookie; what it changes must say that it is this page.
  requestInterceptor: (request) => ({ ...request, headers: { ...request.headers, "X-Heisenbug": "page" } }),
});
