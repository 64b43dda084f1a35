declare module "vuetify/styles/layers";
declare module "*.css";
