// The API's document, to read and to try: Swagger's own page, told where the document is and which token this tab knows.

const token = sessionStorage.getItem("token");

const view = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#document",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  validatorUrl: null,
  onComplete: () => (token ? view.preauthorizeApiKey("token", token) : undefined),
});
